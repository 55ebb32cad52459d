"""The result of a fit: coefficients, what is known about them, and what a careful reader should know."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from regress.aggregates.account import Tally
from regress.aggregates.moments import Moments
from regress.api.model import LinearModel
from regress.api.notes import notes, warnings
from regress.api.record import portrait
from regress.blocks import Array
from regress.design.row_facts import Facts
from regress.inference.certificate import Certificate, certificate
from regress.inference.measurement_noise import Collinearity
from regress.inference.prediction_intervals import Uncertainty
from regress.inference.residuals import Sampled
from regress.inference.standard_errors import Statistics
from regress.messages import visible
from regress.numerics.atomic_write import strict
from regress.report.summary import summary
from regress.solvers.loop import Iteration, Status
from regress.solvers.solution import Training

COLUMNS = ("std. error", "t", "p", "low", "high")  # of the statistics, as people know them
_KEPT = 200  # columns whose covariance goes into a model file


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model and everything known about how it came about.

    Attributes
    ----------
    fitted : LinearModel
        What predicts.
    training : Training
        The descent: status, history, rank, solver.
    tally : Tally
        Where every row of the table went.
    r2 : float
        R² on the training rows: 1 − Σ a e²/Σ a (y − ȳ)², or 1 − Σ a e²/Σ a y² (uncentered) without intercept.
    r2_test : float or None
        R² on the rows held out, about their mean.
    standardized : array of shape (n,)
        w·sd(x)/sd(y): what one standard deviation of a column moves y, in its own.
    constant : tuple of str
        Columns that are constant in the training rows.
    reason : str
        Why sums are exact, or in double.
    rank_known : bool
        Whether the rank is more than a guess in double.
    digits_estimate : array of shape (n,), optional
        Digits right, from below, where sums are in double.
    read_as : str
        How the files are written, as it was told or found; "" for other tables.
    perfect : bool
        Whether the residuals are no more than rounding of the stored numbers.
    infer : callable
        Makes the statistics on first use, or says why there are none.
    collinearity : Collinearity
        Which columns differ by rounding only, and which have large variance inflation factors.
    source : str
        What the table is called.
    moments : Moments or None
        Of up to 50 columns, for pictures of the descent.
    sampled : Sampled or None
        What is predicted of up to 20,000 training rows, those whose file and record have the smallest hashes.
    facts : Facts
        What the rows themselves tell.
    command : str
        The command line that made it, if one did.
    """

    fitted: LinearModel
    training: Training
    tally: Tally
    r2: float
    r2_test: float | None
    standardized: Array
    constant: tuple[str, ...]
    reason: str
    rank_known: bool
    digits_estimate: Array | None
    read_as: str
    perfect: bool
    infer: Callable[[], Statistics | str]
    collinearity: Collinearity
    source: str
    moments: Moments | None
    sampled: Sampled | None
    facts: Facts
    command: str = ""

    @property
    def w(self) -> Array:
        """Coefficients (n,), in the user's units."""
        return self.fitted.w

    @cached_property
    def b(self) -> float:
        """The intercept; 0.0 without one."""
        return self.fitted.b

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.fitted.names

    @property
    def loss(self) -> float:
        """Σ(ŷ − y)² + α‖w‖² over the training rows, of w and b as they are printed; `statistics.rss` is the minimum."""
        return self.fitted.loss

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

    @cached_property
    def certificate(self) -> Certificate | None:
        """How many digits are right, from exact totals; None where sums are in double."""
        minimum, model = self.training.minimum, self.fitted
        if minimum is None or not np.isfinite([*model.w, model.b]).all():
            return None
        return certificate(minimum, self.names, model.w, model.center, model.b_center, model.b)

    @property
    def digits(self) -> dict[str, float] | None:
        """Digits right by column, certified by exact totals; None where sums are in double: see `digits_at_least`."""
        return None if self.certificate is None else self.certificate.digits

    @property
    def intercept_digits(self) -> float | None:
        """Digits of the intercept that are right; None where sums are in double, or none is fitted."""
        return None if self.certificate is None else self.certificate.intercept_digits

    @cached_property
    def digits_at_least(self) -> dict[str, float] | None:
        """An estimate of the digits right, from below; None where the rank is unknown. `regress.certify` certifies."""
        if self.certificate is not None:
            return self.certificate.digits
        digits = self.digits_estimate
        return None if digits is None else dict(zip(self.names, digits.tolist(), strict=True))

    @property
    def equations(self) -> tuple[str, ...]:
        """The equations that dependent columns obey, as far as exact totals tell; constant columns apart."""
        minimum = self.training.minimum
        relations = () if minimum is None else minimum.dependence.relations
        return tuple(r.text(self.names) for r in relations if self.names[r.column] not in self.constant)

    @property
    def near_equations(self) -> tuple[str, ...]:
        """The equations that columns obey but for rounding; they are independent all the same."""
        return tuple(r.text(self.names) for r in self.collinearity.relations)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Dependent columns that are left out of the model, with coefficient 0."""
        minimum = self.training.minimum
        left_out = minimum.dependence.relations if minimum is not None and minimum.dependence.drop else ()
        return tuple(self.names[r.column] for r in left_out)

    @property
    def rank(self) -> int | None:
        """Independent columns; None where double precision cannot tell."""
        return self.training.rank if self.rank_known else None

    @cached_property
    def _inferred(self) -> Statistics | str:
        return self.infer()

    @property
    def statistics(self) -> Statistics | None:
        """Standard errors, t, p, intervals, R², F, AIC and BIC; None where `statistics_missing` says why."""
        return None if isinstance(self._inferred, str) else self._inferred

    @property
    def statistics_missing(self) -> str:
        """Why there are no statistics; empty where there are."""
        return self._inferred if isinstance(self._inferred, str) else ""

    @property
    def coefficients(self) -> Any:
        """Coefficients as a pandas DataFrame indexed by name: coef, standardized = coef·sd(x)/sd(y), and statistics."""
        from regress.sources.frames import to_frame

        return to_frame(self.lines(), ["name", "coef", "standardized", *COLUMNS], index="name")

    def lines(self) -> list[tuple[Any, ...]]:
        """Return (name, coef, standardized, standard error, t, p, low, high) for the intercept, if any, and each w."""
        rows: list[tuple[Any, ...]] = [("(intercept)", self.b, nan)] if self.fitted.options["fit_intercept"] else []
        rows += zip(self.names, self.w.tolist(), self.standardized.tolist(), strict=True)
        tests = [(nan,) * len(COLUMNS)] * len(rows) if self.statistics is None else self.statistics.tests()
        return [(*row, *test) for row, test in zip(rows, tests, strict=True)]

    @cached_property
    def model(self) -> LinearModel:
        """What predicts and is saved, with the uncertainty of its predictions and what a report shows."""
        return replace(self._with_uncertainty, report=strict(portrait(self)))

    @cached_property
    def _with_uncertainty(self) -> LinearModel:
        statistics = self.statistics if len(self.names) <= _KEPT else None
        if statistics is None:
            return self.fitted
        center = statistics.inverse.center * statistics.fit_intercept
        uncertainty = Uncertainty(statistics.degrees, statistics.sigma**2, center, *statistics.covariance)
        return replace(self.fitted, uncertainty=uncertainty) if uncertainty.proper else self.fitted

    def predict(self, table: Any, interval: float | None = None, **options: Any) -> Array:
        """Return ŷ (m,) for every row of a table, or (m, 3) with an interval; see `LinearModel.predict`."""
        return (self.fitted if interval is None else self._with_uncertainty).predict(table, interval, **options)

    def save(self, path: str | Path) -> None:
        """Write the model as JSON."""
        self.model.save(path)

    def notes(self) -> list[str]:
        """Return what a careful reader should know about this fit: the warnings, and what is no fault."""
        return notes(self)

    def warnings(self) -> list[str]:
        """Return the notes that `fit` also gives as warnings."""
        return warnings(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "coef": dict(zip(self.names, self.w.tolist(), strict=True)),
            "intercept": self.b,
            "loss": self.loss,
            "n_rows": self.tally.used,
            "rows": self.tally.to_dict(),
            "read_as": self.read_as,
            "status": str(self.status),
            "digits": None if self.digits is None else {"coef": self.digits, "intercept": self.intercept_digits},
            "digits_at_least": self.digits_at_least,
            "r2": self.r2,
            "r2_test": self.r2_test,
            "rank": self.rank,
            "equations": list(self.equations),
            "near_equations": list(self.near_equations),
            "n_iter": self.n_iter,
            "solver": self.training.solver,
            "over": self.training.over,
            "gradient": self.fitted.options["gradient"],
            "precision": self.training.precision,
            "precision_reason": self.reason,
            "statistics": None if self.statistics is None else self.statistics.to_dict(self.names),
            "statistics_missing": self.statistics_missing,
            "notes": self.notes(),
        }

    def summary(self) -> str:
        """Return the fit as text for people: how it ended, a table of coefficients, how well it fits, what to know."""
        return "\n".join([summary(self), *map(visible, self.notes())])
