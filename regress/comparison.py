"""scikit-learn beside us: the same encoded rows, the same split, and who is right."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from regress.calculus import derived
from regress.errors import InputError, MissingDependencyError
from regress.fitting import r2
from regress.numerics import twofold
from regress.numerics.moments import Block
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.numerics.twofold import Array
from regress.preparation import Prepared, Progress, TableOptions, describe, prepare, split_options
from regress.rivals import Run, ours, scikit_learn
from regress.training.gathering import RoomError, memory
from regress.training.objective import Coordinates

MOST_DIGITS = 15.95
_COPIES = 5  # of the table, that reading it, scikit-learn and LAPACK hold at once
_CLOSE = 1e-9  # loss above the minimum, as a part of Σ(y − ȳ)², that dependent columns allow


@dataclass(frozen=True, slots=True, eq=False)
class FittedRow:
    """One tool's fit. `note` says why there is none, or what the tool said."""

    name: str
    w: Array | None = None
    b: float = float("nan")
    digits: float = float("nan")
    excess_loss: float = float("nan")
    loss: float = float("nan")
    gradient_norm: float = float("nan")
    r2_test: float | None = None
    seconds: float = float("nan")
    n_iter: int | None = None
    rank: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Fits of the same rows, one a tool.

    Attributes
    ----------
    fits : list of FittedRow
        Ours first; the first of them is what the others are measured against.
    names : tuple of str
        The columns of X.
    agree : bool
        Whether ``LinearRegression()`` has at least the asked digits; with dependent columns, whether its loss is within
        1e-9 of the minimum. The other rows decide nothing.
    verdict : list of str
        Who disagrees, by how much and, where it can be seen, why.
    rows : str
        Where every row of the table went.
    """

    fits: list[FittedRow]
    names: tuple[str, ...]
    agree: bool
    verdict: list[str]
    rows: str

    @property
    def table(self) -> Any:
        """The comparison as a pandas DataFrame, a row a tool."""
        from regress.tables.frames import to_frame

        columns = [
            "name",
            "digits",
            "excess_loss",
            "gradient_norm",
            "r2_test",
            "seconds",
            "n_iter",
            "rank",
            "note",
        ]
        return to_frame([[getattr(fit, c) for c in columns] for fit in self.fits], columns, index="name")

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        fits = [
            {
                "name": fit.name,
                "coef": None if fit.w is None else dict(zip(self.names, fit.w.tolist(), strict=True)),
                "intercept": fit.b,
                "loss": fit.loss,
                "excess_loss": fit.excess_loss,
                "gradient_norm": fit.gradient_norm,
                "digits": fit.digits,
                "r2_test": fit.r2_test,
                "seconds": fit.seconds,
                "n_iter": fit.n_iter,
                "rank": fit.rank,
                "note": fit.note,
            }
            for fit in self.fits
        ]
        return {"fits": fits, "agree": self.agree, "verdict": self.verdict, "rows": self.rows}


def compare(
    table: Any,
    target: Any,
    *,
    digits: float = 6.0,
    rows: int | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Fit the same rows with this package and with scikit-learn, and say who is right.

    Parameters
    ----------
    table, target, n_jobs, progress
        As in `fit`.
    digits : float
        Digits of the worst coefficient that ``LinearRegression()`` must share with our fit.
    rows : int, optional
        Read only the first rows of the table.
    **options
        Those of `fit` that concern the table, `fit_intercept` and `tol`. A fifth of the rows is held out
        unless `test` says otherwise, and none of fewer than 50.

    Returns
    -------
    Comparison
        `.table`, `.agree`, `.verdict`, `.to_dict()`.

    Raises
    ------
    InputError
        If the table cannot be used, or scikit-learn would need more than half of the free memory.
    """
    table_options, train_options = split_options({"test": 0.2, **options, "rows": rows})
    if train_options.alpha:
        raise InputError("compare has no penalty, since LinearRegression() has none. Leave alpha out.")
    jobs = resolve_jobs(n_jobs)
    prepared = _read(table, target, table_options, jobs, progress)
    judge = _Judge(prepared, train_options.fit_intercept)
    for name, run in ours(judge.block, prepared.names, train_options, jobs):
        judge.hear(name, run)
    for name, run in scikit_learn(judge.block, train_options.fit_intercept):
        judge.hear(name, run)
    agree, verdict = _verdict(judge, digits)
    return Comparison(judge.fits, prepared.names, agree, verdict, describe(prepared.reader.tally))


def free_memory() -> int:
    """Return the bytes of memory that new work may take."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return memory()  # not Linux: what there is in all


def _read(table: Any, target: Any, options: TableOptions, jobs: int, progress: Progress | None) -> Prepared:
    """Read as many rows as scikit-learn can work on, all into one block; hold none out of fewer than 50."""
    room = free_memory() // 2 // _COPIES
    seen = 0

    def watch(what: str, count: int) -> None:
        nonlocal seen
        seen = count
        if progress is not None:
            progress(what, count)

    try:
        with one_blas_thread():
            prepared = prepare(table, target, options, "rows", jobs, watch, room)
            if options.test and prepared.reader.tally.rows < 50:
                prepared = prepare(table, target, replace(options, test=0.0), "rows", jobs, watch, room)
    except RoomError:
        raise InputError(
            f"From row {seen:,} on, scikit-learn would need more than half of the free memory. "
            f"Compare on fewer rows, with --rows {max(seen // 2, 1)}."
        ) from None
    return prepared


class _Judge:
    """Measures every fit by the same rows: the gradient over them, and the quadratic around our fit."""

    def __init__(self, prepared: Prepared, fit_intercept: bool) -> None:
        data = prepared.data
        assert data.rows is not None
        self.block = _joined(data.rows)
        self.names, self.held_out, self.fit_intercept = (
            prepared.names,
            prepared.reader.held_out,
            fit_intercept,
        )
        self.summary = data.summary
        self.origin = self.summary.center if fit_intercept else np.zeros(len(self.names))
        self.rows = Coordinates(self.origin, np.ones(len(self.names)), 0.0).rows([self.block], 0)[0]
        self.total = float(self.summary.target_norm[0]) ** 2
        self.fits: list[FittedRow] = []
        self._best: tuple[Array, float] | None = None

    def hear(self, name: str, run: Run) -> None:
        """Time one tool and measure its fit; a tool that fails gets a row that says so."""
        began = time.perf_counter()
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                result = run()
        except MissingDependencyError as error:
            self.fits.append(FittedRow(name, note=str(error)))
            return
        seconds = time.perf_counter() - began
        note = "; ".join(dict.fromkeys(str(w.message).splitlines()[0] for w in said))
        level = result.b_center + twofold.dot(self.origin - result.center, result.w)  # the prediction at `origin`
        at = derived.rows(self.rows.X, self.rows.Y, self.rows.weights, result.w, level)
        grad_b = at.grad_b if self.fit_intercept else 0.0
        self._best = self._best or (result.w, level)
        held = self.held_out
        self.fits.append(
            FittedRow(
                name,
                result.w,
                twofold.dot(-result.center, result.w, result.b_center),
                float(self.digits(result.w).min()),
                self._excess(result.w, level),
                at.value,
                float(np.sqrt(at.grad_w @ at.grad_w + grad_b**2)),
                None if held is None else r2(held, result.w, result.center, result.b_center),
                seconds,
                result.n_iter,
                result.rank,
                note,
            )
        )

    def digits(self, w: Array) -> Array:
        """Digits that each coefficient (n,) shares with our fit.

        A coefficient that moves predictions by less than rounding of y is measured against the spread of y instead.
        """
        assert self._best is not None
        best = self._best[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            floor = np.where(self.summary.norm > 0, np.sqrt(self.total) / self.summary.norm, np.inf)
            size = np.where(np.abs(best) < 2.0**-52 * floor, floor, np.abs(best))
            shared = -np.log10(np.abs(w - best) / size)
        return np.asarray(np.where(w == best, MOST_DIGITS, np.clip(shared, 0.0, MOST_DIGITS) + 0.0))

    def _excess(self, w: Array, level: float) -> float:
        """L − min L, from the difference alone: ‖X(w − w*) + (b − b*)‖², as the gradient at w* is zero."""
        assert self._best is not None
        X, _, a = self.rows
        change = X @ (w - self._best[0]) + (level - self._best[1])
        return float(change @ (change if a is None else a * change))


def _joined(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    X, Y = np.concatenate([b.X for b in blocks]), np.concatenate([b.Y for b in blocks])
    weighted = any(b.weights is not None for b in blocks)
    parts = [np.ones(len(b.X)) if b.weights is None else b.weights for b in blocks]
    return Block(X, Y, np.concatenate(parts) if weighted else None)


def _verdict(judge: _Judge, digits: float) -> tuple[bool, list[str]]:
    """Decide by ``LinearRegression()``, and say in words who disagrees, by how much and why."""
    best = judge.fits[0]
    said = []
    dependent = best.rank is not None and best.rank < len(judge.names)
    agree = True
    for fit in judge.fits[1:]:
        if fit.w is None:
            continue
        near = fit.excess_loss <= _CLOSE * judge.total if dependent else fit.digits >= digits
        if fit.name == "LinearRegression()":
            agree = near
        if near:
            continue
        assert best.w is not None
        worst = int(np.argmin(judge.digits(fit.w)))
        part = fit.excess_loss / judge.total if judge.total else 0.0
        text = (
            f"{fit.name} disagrees: {fit.digits:.1f} digits in its worst coefficient; of {judge.names[worst]!r} it "
            f"says {fit.w[worst]:.6g}, we say {best.w[worst]:.6g}; loss {fit.excess_loss:.3g} above the minimum, "
            f"{part:.2g} of the variation of y."
        )
        if fit.rank is not None and best.rank is not None and fit.rank < best.rank:
            text += (
                f" It took {fit.rank} of {best.rank} independent columns: its cut-off on singular values drops what is "
                "small next to the largest column, however much it explains."
            )
        elif fit.n_iter is not None:
            text += f" It stopped after {fit.n_iter:,} iterations, before the gradient vanished."
        said.append(text)
    peer = f"scikit-learn {version('scikit-learn')}"
    basis = "loss at the minimum, with dependent columns" if dependent else f"{digits:g} digits or more"
    first = f"{peer}'s LinearRegression() {'agrees with us' if agree else 'does not agree with us'} ({basis})."
    return agree, [first, *said]
