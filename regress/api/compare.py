"""Compare a fit with scikit-learn's: the same encoded rows, the same split, and who is right."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from regress.aggregates.account import describe
from regress.aggregates.collect import RoomError, memory
from regress.api import other_tools
from regress.api.notes import of_rows
from regress.api.read import Reading, ReadTable, read_table
from regress.api.verdict import FittedRow, verdict_of
from regress.blocks import Block
from regress.errors import DataWarning, InputError, MissingDependencyError, check_number
from regress.inference.judge import Judge
from regress.keywords import CompareKeywords, made, names_of, refuse_unknown, takes
from regress.messages import paragraph, setting, shortened, visible
from regress.numerics.atomic_write import strict
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Progress, TableOptions, TrainOptions
from regress.records import ComparisonRecord
from regress.report.text import comparison_html, comparison_lines
from regress.solvers.status import Status
from regress.sources.open import open_table

_COPIES = 5  # of the table, that reading it, scikit-learn and LAPACK hold at once
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


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Comparison:
    """Fits of the same rows, one a tool.

    Attributes
    ----------
    fits : list of FittedRow
        The fit of this package first. All are measured against the exact minimum; where that takes too long, against
        Newton steps over rows, polished.
    names : tuple of str
        The columns of X.
    agree : bool
        Whether ``LinearRegression()`` has at least the required digits, or its error changes no fitted value by more
        than 1e-6 of the spread of y. The spread is the smaller of sd(y) and IQR(y)/1.349; sd(y) where the IQR is 0.
        With dependent columns, digits are counted to the nearest minimizer. With more columns than rows the loss
        decides: it must be within 1e-9 Σ(y − ȳ)² of the minimum. The other tools decide nothing.
    verdict : list of str
        Which tools disagree, by how much and, where known, why.
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
        """Whether the fit of this package converged; otherwise its note reports it."""
        return not any(status.message in self.fits[0].note for status in Status if status.remedy)

    @property
    def table(self) -> Any:
        """The comparison as a pandas DataFrame, a row a tool."""
        from regress.sources.frames import to_frame

        columns = ["name", *_FIGURES]
        return to_frame([[getattr(fit, c) for c in columns] for fit in self.fits], columns, index="name")

    @property
    def record(self) -> ComparisonRecord:
        """What is shown of it, as plain values."""
        return ComparisonRecord(
            source=self.source,
            read_as=self.read_as,
            target=self.target,
            rows=self.rows,
            names=self.names,
            fit_intercept=self.fit_intercept,
            digits_asked=self.digits_asked,
            agree=self.agree,
            verdict=tuple(self.verdict),
            fits=tuple(fit.record for fit in self.fits),
        )

    def __repr__(self) -> str:
        agrees = "agrees" if self.agree else "does not agree"
        target = shortened(visible(self.target), 60)
        return f"Comparison({target}: {len(self.fits)} fits, LinearRegression() {agrees})"

    def __str__(self) -> str:
        return paragraph(comparison_lines(self.record))

    def _repr_html_(self) -> str:
        return comparison_html(self.record)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        known = self.record
        fits = [
            {
                "name": fit.name,
                "coef": None if fit.coef is None else dict(zip(self.names, fit.coef, strict=True)),
                "intercept": fit.intercept,
                "loss": fit.loss,
                "asked": fit.asked,
                **{figure: getattr(fit, figure) for figure in _FIGURES},
            }
            for fit in known.fits
        ]
        held = {"version": 1, "source": known.source, "read_as": known.read_as, "target": known.target}
        held |= {"columns": known.names, "digits_asked": known.digits_asked, "fit_intercept": known.fit_intercept}
        return dict(strict({**held, "rows": known.rows, "fits": fits, "agree": known.agree, "verdict": known.verdict}))


_OPTIONS = [*(name for name in names_of(TableOptions) if name != "rows"), "fit_intercept", "tol"]


@takes(TableOptions, TrainOptions, only=_OPTIONS, test_size=0.2)
def compare(
    table: Any,
    target: Any,
    *,
    digits: float = 6.0,
    rows: int | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[CompareKeywords],
) -> Comparison:
    """Fit the same rows with this package and with scikit-learn, and say who is right.

    A fifth of the rows is held out unless `test_size` says otherwise, and none of fewer than 50.

    Parameters
    ----------
    table, target, n_jobs, progress
        As in `fit`.
    digits : float
        Digits that the worst coefficient of ``LinearRegression()`` must have right.
    rows : int, optional
        Read only the first rows of the table.
    **options

    Returns
    -------
    Comparison
        `.table`, `.agree`, `.verdict`, `.to_dict()`.

    Raises
    ------
    InputError
        If the table cannot be used, or scikit-learn would need more than half of the free memory.
    """
    if "alpha" in options:
        raise InputError(f"compare has no penalty, since LinearRegression() has none. Remove {setting('alpha')}.")
    refuse_unknown(compare, options)
    given = {"test_size": 0.2, **options, "rows": rows}
    table_options, train_options = made(TableOptions, given), made(TrainOptions, given)
    check_number("digits", digits, at_least=0.0)
    jobs = resolve_jobs(n_jobs)
    fit_intercept = train_options.fit_intercept
    prepared = _read(table, target, table_options, jobs, progress, fit_intercept=fit_intercept)
    data = prepared.data
    assert data.rows is not None
    block = _joined(data.rows)
    best = other_tools.best(block, prepared.names, fit_intercept, jobs)
    judge = Judge(block, data.summary, prepared.held_out, fit_intercept, best)
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
    agree, verdict = verdict_of(fits, prepared.names, judge, digits)
    reader = prepared.reader
    source = reader.source
    return Comparison(
        fits=fits,
        names=prepared.names,
        agree=agree,
        verdict=verdict,
        rows=describe(prepared.tally),
        read_as=source.dialect,
        source=source.label,
        target=reader.target.name,
        digits_asked=digits,
        fit_intercept=fit_intercept,
    )


def free_memory() -> int:
    """Return the bytes of memory that new work may take."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return memory()  # not Linux: what there is in all


def _read(
    table: Any, target: Any, options: TableOptions, jobs: int, progress: Progress | None, *, fit_intercept: bool
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
            reading = Reading("rows", jobs, room=room, fit_intercept=fit_intercept)
            prepared = read_table(table, target, options, reading, watch)
            if options.test_size and prepared.tally.rows < 50:
                prepared = read_table(table, target, replace(options, test_size=0.0), reading, watch)
    except RoomError:
        raise InputError(
            f"From row {seen:,} on, scikit-learn would need more than half of the free memory. "
            f"Compare on fewer rows, with {setting('rows', max(seen // 2, 1))}."
        ) from None
    return prepared


def _joined(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    X, Y = np.concatenate([b.X for b in blocks]), np.concatenate([b.Y for b in blocks])
    weighted = any(b.weights is not None for b in blocks)
    parts = [np.ones(len(b.X)) if b.weights is None else b.weights for b in blocks]
    return Block(X, Y, np.concatenate(parts) if weighted else None)
