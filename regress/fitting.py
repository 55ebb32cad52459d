"""The one road from a table to a result."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from regress.errors import ConvergenceWarning, DataWarning
from regress.evidence.scores import r2
from regress.model import LinearModel, environment
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.numerics.twofold import Array
from regress.preparation import Prepared, Progress, TableOptions, describe, prepare
from regress.tables.reading import Missing, Tally
from regress.training.options import Gradient, Over, Precision, Solver, TrainOptions
from regress.training.regression import Regression, Training
from regress.training.trainer import Iteration, Status


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model and everything known about how it came about.

    Attributes
    ----------
    model : LinearModel
        What predicts, and what is saved.
    training : Training
        The descent: status, history, rank, solver.
    tally : Tally
        Where every row of the table went.
    r2 : float
        R² on the training rows; about the mean of y, also without an intercept.
    r2_test : float or None
        R² on the rows held out.
    standardized : array of shape (n,)
        w·sd(x)/sd(y): what one standard deviation of a column moves y, in its own.
    constant : tuple of str
        Columns that are constant in the training rows.
    """

    model: LinearModel
    training: Training
    tally: Tally
    r2: float
    r2_test: float | None
    standardized: Array
    constant: tuple[str, ...]

    @property
    def w(self) -> Array:
        """Coefficients (n,), in the user's units."""
        return self.model.w

    @cached_property
    def b(self) -> float:
        """The intercept; 0.0 without one."""
        return self.model.b

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.model.names

    @property
    def loss(self) -> float:
        """Σ(ŷ − y)² + α‖w‖² over the training rows, in units of y²."""
        return self.model.loss

    @property
    def status(self) -> Status:
        """How training ended."""
        return self.training.status

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return self.training.n_iter

    @property
    def history(self) -> list[Iteration]:
        """One row an iteration: iteration, loss, gradient_norm, step, seconds."""
        return self.training.history

    @property
    def coefficients(self) -> Any:
        """Coefficients as a pandas DataFrame indexed by name: coef, and standardized = coef·sd(x)/sd(y)."""
        from regress.tables.frames import to_frame

        rows: list[tuple[Any, ...]] = (
            [("(intercept)", self.b, float("nan"))] if self.model.options["fit_intercept"] else []
        )
        rows += zip(self.names, self.w.tolist(), self.standardized.tolist(), strict=True)
        return to_frame(rows, ["name", "coef", "standardized"], index="name")

    def predict(self, table: Any) -> Array:
        """Return ŷ (m,) for every row of a table; see `LinearModel.predict`."""
        return self.model.predict(table)

    def save(self, path: str | Path) -> None:
        """Write the model as JSON."""
        self.model.save(path)

    def notes(self) -> list[str]:
        """Return what a careful reader should know about this fit, a sentence each."""
        training, constant, n = self.training, self.constant, len(self.names)
        said = []
        if self.status is not Status.CONVERGED:
            said.append(f"{self.status.message} {self.status.remedy}")
        if constant:
            shown = ", ".join(constant[:5]) + (", …" if len(constant) > 5 else "")
            said.append(f"Constant in the training rows, so the coefficient is 0: {shown}.")
        if training.rank < n - len(constant) and not self.model.options["alpha"]:
            few = (
                f"there are only {self.tally.used:,} rows"
                if self.tally.used <= n
                else "columns depend on each other as far as their digits can tell"
            )
            said.append(
                f"{few[0].upper()}{few[1:]} (rank {training.rank} of {n}): many coefficients fit equally well; these "
                "are the ones of least ‖w‖, in double. Predictions do not suffer; single coefficients mean little."
            )
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "coef": dict(zip(self.names, self.w.tolist(), strict=True)),
            "intercept": self.b,
            "loss": self.loss,
            "n_rows": self.tally.used,
            "rows": asdict(self.tally),
            "status": str(self.status),
            "digits": None,
            "r2": self.r2,
            "r2_test": self.r2_test,
            "rank": self.training.rank,
            "n_iter": self.n_iter,
            "solver": self.training.solver,
            "over": self.training.over,
            "gradient": self.model.options["gradient"],
            "precision": self.training.precision,
            "notes": self.notes(),
        }

    def summary(self) -> str:
        """Return the fit as text for people."""
        training, lines = self.training, [self.model.summary()]
        lines.append(f"R² {self.r2:.6f}" + (f" (held-out rows {self.r2_test:.6f})" if self.r2_test is not None else ""))
        lines.append(
            f"{describe(self.tally)}; {training.solver} over {training.over}, "
            f"{self.n_iter} iteration{'s' * (self.n_iter != 1)}; "
            f"sums {training.precision}"
        )
        return "\n".join([*lines, *self.notes()])


def fit(
    table: Any,
    target: Any,
    *,
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weights: Any = None,
    categorical: Sequence[str] = (),
    max_levels: int = 100,
    missing: Missing = "error",
    test: float = 0.0,
    split_key: str | None = None,
    random_state: int = 0,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    solver: Solver = "auto",
    gradient: Gradient = "derived",
    over: Over = "auto",
    standardize: bool = True,
    learning_rate: float | Literal["auto"] = "auto",
    max_iter: int | None = None,
    tol: float = 1e-10,
    precision: Precision = "auto",
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit ŷ = Xw + b to a table by following the gradient of Σ(ŷ − y)² to where it vanishes.

    Parameters
    ----------
    table : path, glob, pandas or Polars frame, or array of shape (m, n)
        The rows. Text columns become one 0/1 column a level, but for the first level in the order of code points (or of
        the Categorical or Enum), with which the others are compared.
    target : str or array of shape (m,)
        The column to predict, or its values.
    features, drop : sequences of str
        Columns to use (default: all but target and weights), and columns to leave out.
    weights : str or array of shape (m,), optional
        Row weights a ≥ 0 in Σ a (ŷ − y)². Rows of weight 0 leave before anything looks at them.
    categorical, max_levels : sequence of str, int
        Columns to read as text, whatever they look like, and the most levels that one may have.
    missing : {"error", "drop", "mean"}
        What to do with rows in which a cell is missing; "mean" fills numbers with their training mean.
    test, split_key, random_state : float, str, int
        Fraction of rows to hold out, by a seeded hash of each row's key: the column `split_key`, or file name and
        record number.
    fit_intercept, alpha, solver, gradient, over, standardize, learning_rate, max_iter, tol, precision
        How to train; see `regress.training.options.TrainOptions`.
    n_jobs, progress : int, callable, optional
        Threads, the CPUs that this process may use unless given; called with ("rows" or "iterations", count).

    Returns
    -------
    Fit
        Coefficients in the user's units, status, history and model.

    Raises
    ------
    InputError
        If an argument or the table cannot be used; the message says what to do.

    Warns
    -----
    ConvergenceWarning
        If training stopped early; the fit holds the last good parameters.
    DataWarning
        If columns are constant or depend on each other.
    """
    table_options = TableOptions(
        features=features,
        drop=drop,
        weights=weights,
        categorical=categorical,
        max_levels=max_levels,
        missing=missing,
        test=test,
        split_key=split_key,
        random_state=random_state,
    )
    options = TrainOptions(
        fit_intercept=fit_intercept,
        alpha=alpha,
        solver=solver,
        gradient=gradient,
        over=over,
        standardize=standardize,
        learning_rate=learning_rate,
        max_iter=max_iter,
        tol=tol,
        precision=precision,
    )
    with one_blas_thread():
        jobs = resolve_jobs(n_jobs)
        prepared = prepare(table, target, table_options, options.over, jobs, progress, precision=precision)
        result = train(prepared, options, progress)
    for note in result.notes():
        early = result.status is not Status.CONVERGED and note.startswith(result.status.message)
        warnings.warn(note, ConvergenceWarning if early else DataWarning, stacklevel=2)
    return result


def train(prepared: Prepared, options: TrainOptions, progress: Progress | None = None) -> Fit:
    """Train on what was read, without warnings."""
    data, reader = prepared.data, prepared.reader
    count = 0

    def watch(w: Array, b: float) -> None:
        nonlocal count
        count += 1
        if progress is not None:
            progress("iterations", count)

    training = Regression(data, options, prepared.names).train(watch=watch)
    model = LinearModel(
        w=training.w,
        center=training.center,
        b=training.b,
        b_center=training.b_center,
        design=reader.design,
        target=reader.target.name,
        options={**asdict(options), "missing": reader.missing},
        n_rows=reader.tally.used,
        loss=training.loss,
        status=str(training.status),
        versions=environment(),
    )
    summary = data.summary
    penalty = options.alpha * float(training.w @ training.w)
    held = reader.held_out
    norm, target_norm = summary.norm, float(summary.target_norm[0])
    return Fit(
        model,
        training,
        reader.tally,
        1.0 - (training.loss - penalty) / target_norm**2 if target_norm > 0 else float("nan"),
        None if held is None else r2(held, training.w, training.center, training.b_center),
        training.w * norm / target_norm if target_norm > 0 else np.zeros(len(norm)),
        tuple(name for name, size in zip(prepared.names, norm, strict=True) if size == 0),
    )
