"""scikit-learn beside us: the same encoded rows, the same split, and who is right."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from regress.aggregates.account import describe
from regress.aggregates.collect import RoomError, memory
from regress.api import other_tools
from regress.api.notes import of_rows
from regress.api.read import ReadTable, read_table
from regress.blocks import Array, Block
from regress.errors import DataWarning, InputError, MissingDependencyError
from regress.inference.certificate import EFFECT
from regress.inference.judge import Judge, Measure
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Progress, TableOptions, check_number, split_options
from regress.solvers.loop import Status
from regress.sources.open import open_table

_COPIES = 5  # of the table, that reading it, scikit-learn and LAPACK hold at once
_CLOSE = 1e-9  # loss above the minimum, as a part of Σ(y − ȳ)², that dependent columns allow
_FIGURES = (
    "digits",
    "intercept_digits",
    "moved",
    "excess_loss",
    "gradient_norm",
    "r2_test",
    "seconds",
    "n_iter",
    "rank",
    "note",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FittedRow(Measure):
    """One tool's fit, measured on the training rows. A tool that failed has no `w`, and a `note` that says why.

    Attributes
    ----------
    name : str
        The tool, as a user would call it.
    asked : str
        What it was asked to do.
    w, b : array of shape (n,), float
        Its coefficients and intercept, in the user's units.
    seconds : float
        Of fitting only.
    n_iter, rank : int or None
        What the tool says of them.
    note : str
        Why there is no fit, or the warnings of the tool.
    """

    name: str
    asked: str = ""
    w: Array | None = None
    b: float = nan
    seconds: float = nan
    n_iter: int | None = None
    rank: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Fits of the same rows, one a tool.

    Attributes
    ----------
    fits : list of FittedRow
        Ours first. All are measured against the exact minimum; where that takes too long, against Newton steps over
        rows, polished.
    names : tuple of str
        The columns of X.
    agree : bool
        Whether ``LinearRegression()`` has at least the asked digits, or its error changes no fitted value by more than
        1e-6 of the spread of y: the smaller of sd(y) and IQR(y)/1.349, sd(y) where the IQR is 0. With dependent
        columns, digits are counted to the nearest minimiser; with more columns than rows the loss decides, within
        1e-9 Σ(y − ȳ)² of the minimum. The other rows decide nothing.
    verdict : list of str
        Who disagrees, by how much and, where it can be seen, why.
    rows, read_as : str
        Where every row of the table went, and how its files are written.
    source, target : str
        What was fitted to what.
    digits_asked, fit_intercept : float, bool
        Digits that count as agreement, and whether b is fitted.
    """

    fits: list[FittedRow]
    names: tuple[str, ...]
    agree: bool
    verdict: list[str]
    rows: str
    read_as: str
    source: str = ""
    target: str = ""
    digits_asked: float = 6.0
    fit_intercept: bool = True

    @property
    def converged(self) -> bool:
        """Whether our default fit converged; its note says so otherwise."""
        return not any(status.message in self.fits[0].note for status in Status if status.remedy)

    @property
    def table(self) -> Any:
        """The comparison as a pandas DataFrame, a row a tool."""
        from regress.sources.frames import to_frame

        columns = ["name", *_FIGURES]
        return to_frame([[getattr(fit, c) for c in columns] for fit in self.fits], columns, index="name")

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        fits = [
            {
                "name": fit.name,
                "coef": None if fit.w is None else dict(zip(self.names, fit.w.tolist(), strict=True)),
                "intercept": fit.b,
                "loss": fit.loss,
                "asked": fit.asked,
                **{figure: getattr(fit, figure) for figure in _FIGURES},
            }
            for fit in self.fits
        ]
        return {"fits": fits, "agree": self.agree, "verdict": self.verdict, "rows": self.rows, "read_as": self.read_as}


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
        Digits that the worst coefficient of ``LinearRegression()`` must have right.
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
    check_number("digits", digits, above=0.0)
    if train_options.alpha:
        raise InputError("compare has no penalty, since LinearRegression() has none. Leave alpha out.")
    jobs = resolve_jobs(n_jobs)
    fit_intercept = train_options.fit_intercept
    prepared = _read(table, target, table_options, jobs, progress, fit_intercept)
    data = prepared.data
    assert data.rows is not None
    block = _joined(data.rows)
    best = other_tools.best(block, prepared.names, fit_intercept, jobs)
    judge = Judge(block, data.summary, prepared.reader.held_out, fit_intercept, best)
    fits: list[FittedRow] = []
    our_own, theirs = (
        other_tools.ours(block, prepared.names, train_options, jobs),
        other_tools.scikit_learn(block, fit_intercept),
    )
    for name, asked, run in chain(our_own, theirs):
        try:
            found, seconds, note = other_tools.timed(run)
            seen = judge.measure(found.w, found.center, found.b_center, found.b)
        except (MissingDependencyError, ArithmeticError, ValueError) as error:
            fits.append(FittedRow(name=name, asked=asked, note=str(error).partition("\n")[0]))
        else:
            row = FittedRow(name=name, asked=asked, w=found.w, b=found.b, **asdict(seen), seconds=seconds, note=note)
            fits.append(replace(row, n_iter=found.n_iter, rank=found.rank))
    for note in of_rows(prepared.facts):
        warnings.warn(note, DataWarning, stacklevel=2)
    agree, verdict = _verdict(fits, prepared.names, judge, digits)
    reader = prepared.reader
    source = reader.source
    of_table = describe(reader.tally), source.dialect, source.label, reader.target.name
    return Comparison(fits, prepared.names, agree, verdict, *of_table, digits, fit_intercept)


def free_memory() -> int:
    """Return the bytes of memory that new work may take."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return memory()  # not Linux: what there is in all


def _read(
    table: Any, target: Any, options: TableOptions, jobs: int, progress: Progress | None, fit_intercept: bool
) -> ReadTable:
    """Read as many rows as scikit-learn can work on, all into one block; hold none out of fewer than 50."""
    room = free_memory() // 2 // _COPIES
    table, seen = open_table(table, options), 0

    def watch(what: str, count: int, read: int, size: int) -> None:
        nonlocal seen
        seen = count
        if progress is not None:
            progress(what, count, read, size)

    try:
        with one_blas_thread():
            read = partial(read_table, table, target, fit_intercept=fit_intercept)
            prepared = read(options, "rows", jobs, watch, room)
            if options.test and prepared.reader.tally.rows < 50:
                prepared = read(replace(options, test=0.0), "rows", jobs, watch, room)
    except RoomError:
        raise InputError(
            f"From row {seen:,} on, scikit-learn would need more than half of the free memory. "
            f"Compare on fewer rows, with --rows {max(seen // 2, 1)}."
        ) from None
    return prepared


def _joined(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    X, Y = np.concatenate([b.X for b in blocks]), np.concatenate([b.Y for b in blocks])
    weighted = any(b.weights is not None for b in blocks)
    parts = [np.ones(len(b.X)) if b.weights is None else b.weights for b in blocks]
    return Block(X, Y, np.concatenate(parts) if weighted else None)


def _verdict(fits: list[FittedRow], names: tuple[str, ...], judge: Judge, digits: float) -> tuple[bool, list[str]]:
    """Decide by ``LinearRegression()``, and say in words who disagrees, by how much and why."""
    said, agree, best = [], False, judge.best
    by_loss = best.minimum is None and best.rank < len(names)
    basis = "loss at the minimum, with dependent columns" if by_loss else f"{digits:g} digits or more"
    for fit in fits:
        enough = min(fit.digits, fit.intercept_digits) >= digits
        right = fit.excess_loss <= _CLOSE * judge.variation if by_loss else enough or fit.moved <= EFFECT
        near = fit.w is not None and bool(right)
        if not near and fit.w is not None:
            said.append(_disagreement(fit, names, judge))
        if fit.name == "LinearRegression()":
            agree = near
            if near and not by_loss and not enough:
                basis = (
                    f"not in {digits:g} digits, but no fitted value changes by more than {EFFECT:g} of the spread of y"
                )
    word = "agrees" if agree else "does not agree"
    first = f"scikit-learn {version('scikit-learn')}'s LinearRegression() {word} with us ({basis})."
    if best.minimum is not None and best.minimum.dependence.relations:
        shown = "; ".join(r.text(names) for r in best.minimum.dependence.relations[:5])
        said.append(f"Columns depend on each other ({shown}): digits are counted to the nearest of many minimisers.")
    return agree, [first, *said]


def _disagreement(fit: FittedRow, names: tuple[str, ...], judge: Judge) -> str:
    assert fit.w is not None
    best, worst = judge.best, fit.worst
    part = fit.excess_loss / judge.variation if judge.variation else 0.0
    digits, name, says, we = fit.digits, repr(names[worst]), fit.w[worst], best.w[worst]
    if fit.intercept_digits < digits:
        digits, name, says, we = fit.intercept_digits, "the intercept", fit.b, best.b
    text = (
        f"{fit.name} disagrees: {digits:.1f} digits in its worst coefficient; of {name} it "
        f"says {says:.6g}, we say {we:.6g}; a fitted value changes by up to {fit.moved:.2g} of the spread of y; "
        f"the loss is {fit.excess_loss:.3g} above the minimum, {part:.2g} of the variation of y."
    )
    if fit.rank is not None and fit.rank < best.rank:
        return (
            f"{text} It took {fit.rank} of {best.rank} independent columns: its cut-off on singular values drops "
            "what is small next to the largest column, however much it explains."
        )
    if fit.excess_loss > judge.variation:
        return f"{text} It diverged: a constant would predict better."
    if fit.n_iter is not None:
        return f"{text} It stopped after {fit.n_iter:,} iterations, before the gradient vanished."
    return text
