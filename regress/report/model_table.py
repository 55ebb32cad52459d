"""Models side by side, as papers show them: the rows of the table, and the notes below it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import nan
from typing import NamedTuple

from regress.fit_record import Coefficient, FitRecord
from regress.records import HUBER_ERRORS, INTERCEPT
from regress.report.decimals import estimates, share
from regress.report.summary import has_errors

_LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))  # of significance
_STARS = "*** p < 0.001, ** p < 0.01, * p < 0.05."
_WORDS = {"constant": "constant", "dropped": "excluded"}  # in place of a coefficient
_KINDS = {"nonrobust": "classical (nonrobust)", "HC0": "robust (HC0)", "HC1": "robust (HC1)"}
_MOST_NAMED = 5  # coefficients in a note

Key = tuple[str | None, str | None]  # the column of a coefficient, None of the intercept; and its level, if any


class Choice(NamedTuple):
    """Whether confidence intervals stand below the coefficients, not standard errors; whether stars mark p-values."""

    intervals: bool = False
    stars: bool = False


class Cell(NamedTuple):
    """Numbers of a cell, and what stands before and behind them; or a word."""

    numbers: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    word: str = ""


class Row(NamedTuple):
    """A row: its name, a cell for each model, and whether it is a level of the column that is named above it."""

    name: str
    cells: tuple[Cell, ...]
    level: bool = False


class Sheet(NamedTuple):
    """A table: models and what they predict, rows of coefficients, rows of figures of the models, and notes."""

    names: tuple[str, ...]
    targets: tuple[str, ...]
    coefficients: list[Row]
    figures: list[Row]
    notes: list[str]


def sheet(records: Sequence[FitRecord], names: Sequence[str], choice: Choice) -> Sheet:
    """Return models side by side; a coefficient that a model lacks has an empty cell."""
    cells = [_cells(record, choice) for record in records]
    rows: list[Row] = []
    for (column, has_levels), levels in _groups(records).items():
        if has_levels:
            rows.append(Row(column or "", (Cell(),) * len(records)))
        for level in levels:
            first, second = zip(*(of.get((column, level), (Cell(), Cell())) for of in cells), strict=True)
            rows.append(Row(column or INTERCEPT if level is None else level, first, has_levels))
            rows += [Row("", second)] if any(cell.numbers for cell in second) else []
    targets = tuple(record.trained.target for record in records)
    return Sheet(tuple(names), targets, rows, _figures(records), _Notes(records, names).of(choice))


def stars(p_value: float | None) -> str:
    """Return the stars of a p-value.

    Examples
    --------
    >>> stars(0.02), stars(0.0004), stars(None)
    ('*', '***', '')
    """
    return next((mark for level, mark in _LEVELS if p_value is not None and p_value < level), "")


def _groups(records: Iterable[FitRecord]) -> dict[tuple[str | None, bool], list[str | None]]:
    """Return the levels of each column in the order of first appearance, the reference level first."""
    found: dict[tuple[str | None, bool], dict[str | None, None]] = {}
    for record in records:
        for line in record.coefficients:
            levels = found.setdefault((line.column, line.level is not None), {})
            if (reference := _reference(line, record)) is not None:
                levels.setdefault(reference)
            levels.setdefault(line.level)
    return {group: list(levels) for group, levels in found.items()}


def _reference(line: Coefficient, record: FitRecord) -> str | None:
    """Return the level with which that of a coefficient is compared."""
    return None if line.level is None or line.column is None else record.references.get(line.column)


def _cells(record: FitRecord, choice: Choice) -> dict[Key, tuple[Cell, Cell]]:
    """Return what stands for each coefficient of a model, and below it; and for each reference level."""
    lines, shown = record.coefficients, has_errors(record)
    kept = [nan if line.status in _WORDS else line.coef for line in lines]
    errors, _, _, low, high = zip(*(line.tests for line in lines), strict=True)
    texts = [[text.strip() for text in estimates(values, errors)] for values in (kept, errors, low, high)]
    found: dict[Key, tuple[Cell, Cell]] = {}
    for line, coef, error, *ends in zip(lines, *texts, strict=True):
        first = _estimate(line, coef, choice.stars and shown)
        below = (Cell(tuple(ends), "[", "]") if choice.intervals else Cell((error,), "(", ")")) if error else Cell()
        if (reference := _reference(line, record)) is not None:
            found[line.column, reference] = Cell(word="reference"), Cell()
        found[line.column, line.level] = first, below if shown else Cell()
    return found


def _estimate(line: Coefficient, text: str, starred: bool) -> Cell:
    if line.status in _WORDS:
        return Cell(word=_WORDS[line.status])
    return Cell((text,), after=stars(line.p_value) if starred else "")


def _figures(records: Sequence[FitRecord]) -> list[Row]:
    """Return figures of whole models: rows, R², and the residual standard error."""
    figures = [record.figures for record in records]
    rows = [("Rows", [f"{record.trained.n_rows:,}" for record in records])]
    counted = [r.outcome.nobs if _has_counts(r) else None for r in records]
    rows.append(("Sum of frequency weights", ["" if n is None else f"{n:,.10g}" for n in counted]))
    rows.append(("R²", [_share(record.outcome.r2) for record in records]))
    rows.append(("Adjusted R²", ["" if of is None else _share(of.r2_adjusted) for of in figures]))
    on = " or ".join(dict.fromkeys(r.outcome.tested_on for r in records if r.outcome.scored))
    rows.append((f"R² on {on} rows", [_share(r.outcome.r2_test) if r.outcome.scored else "" for r in records]))
    rows.append(("Residual std. error", ["" if of is None else _four_digits(of.sigma) for of in figures]))
    made = [Row(name, tuple(Cell((text,)) if text else Cell() for text in texts)) for name, texts in rows]
    return [row for row in made if any(cell.numbers for cell in row.cells)]


def _has_counts(record: FitRecord) -> bool:
    return record.trained.options.weighted and record.trained.options.weight_type == "frequency"


def _share(value: float | None) -> str:
    return "" if value is None else share(value)


def _four_digits(value: float | None) -> str:
    return "" if value is None else estimates([value], [value / 10.0])[0].strip()


class _Notes:
    """Notes below the table of some models: what their figures are, and what must not be compared."""

    def __init__(self, records: Sequence[FitRecord], names: Sequence[str]) -> None:
        self._models = list(zip(records, names, strict=True))

    def of(self, choice: Choice) -> list[str]:
        """Return all of them."""
        return [
            *self._uncertainty(choice),
            *([_STARS] if choice.stars else []),
            *self._endings(),
            *self._kinds(),
            *self._columns(),
            *self._differences(),
        ]

    def _by(self, value: Callable[[FitRecord], str]) -> dict[str, str]:
        """Return what is to say of some models, and which: "in (1) and (2)", or nothing if it is all of them."""
        found: dict[str, list[str]] = {}
        for record, name in self._models:
            if said := value(record):
                found.setdefault(said, []).append(name)
        return {said: "" if len(of) == len(self._models) else f" in {_listed(of)}" for said, of in found.items()}

    def _each(self, text: str, value: Callable[[FitRecord], str]) -> Iterator[str]:
        """Yield a sentence for each thing to say: its text has `said`, and `where` that is so."""
        for said, where in self._by(value).items():
            yield text.format(said=said, where=where)

    def _uncertainty(self, choice: Choice) -> Iterator[str]:
        """Yield what stands in parentheses or brackets."""

        def kind(record: FitRecord) -> str:
            if not has_errors(record) or record.figures is None:
                return ""
            errors = f"{_KINDS.get(record.figures.cov_type, record.figures.cov_type)} standard errors"
            level = record.trained.options.percent
            return f"{level} confidence intervals from {errors}" if choice.intervals else errors

        if parts := self._by(kind):
            around = "brackets" if choice.intervals else "parentheses"
            yield f"In {around}: {'; '.join(said + where for said, where in parts.items())}."

    def _endings(self) -> Iterator[str]:
        """Yield which models did not converge or have no standard errors."""
        words = {"converged": "", "early_stopping": "Stopped early"}
        yield from self._each("{said}{where}.", lambda r: words.get(r.trained.status, "Not converged"))
        yield from self._each(
            "No standard errors{where}. {said}",
            lambda r: r.statistics_missing if r.trained.status == "converged" else "",
        )

    def _kinds(self) -> Iterator[str]:
        """Yield what was minimized where it is not the plain sum of squares."""

        def weights(record: FitRecord) -> str:
            options = record.trained.options
            named = "" if options.weights is None else f": {options.weights}"
            return f"{options.weight_type.capitalize()} weights{named}" if options.weighted else ""

        yield from self._each("{said}{where}.", weights)
        yield from self._each("{said}{where}.", lambda r: _penalty(r) and f"Ridge regression ({_penalty(r)})")
        yield from self._each("{said}{where}.", lambda r: _loss(r) and f"Loss: {_loss(r)}")
        scaled = "The residual std. error is the scale of the residuals{where}."
        yield from self._each(scaled, lambda r: "yes" if r.figures and r.figures.cov_type == HUBER_ERRORS else "")
        bare = "There is no intercept{where}: R² is uncentered."
        yield from self._each(bare, lambda r: "" if r.trained.options.fit_intercept else "yes")

    def _columns(self) -> Iterator[str]:
        """Yield what their coefficients are compared with, and which of them are not unique."""
        columns = dict.fromkeys(name for record, _ in self._models for name in record.terms.sum_coded)
        for column in columns:
            yield from self._each("Sum coding of {said}{where}.", partial(_sum_coded, column))
        yield from self._each("Columns depend on each other{where}. Not unique: {said}.", _dependent)

    def _differences(self) -> Iterator[str]:
        """Yield what models must not be compared for."""
        references: dict[str, set[str]] = {}
        for record, _ in self._models:
            for column, level in record.references.items():
                references.setdefault(column, set()).add(level)
        if differ := [column for column, levels in references.items() if len(levels) > 1]:
            yield f"Reference levels differ: {_few(differ)}."
        if len({record.trained.target for record, _ in self._models}) > 1:
            yield "Dependent variables differ, so R² and residual standard errors are not comparable."
        tables = self._by(lambda record: record.outcome.source)
        if len(tables) > 1:
            yield f"Tables differ: {'; '.join(said + where for said, where in tables.items())}."
        elif len({_rows(record) for record, _ in self._models}) > 1:
            yield "The models have different rows, so R² and standard errors are not directly comparable."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:_MOST_NAMED], *(["…"] if len(names) > _MOST_NAMED else [])])


def _penalty(record: FitRecord) -> str:
    options = record.trained.options
    return options.penalty or (f"alpha {options.alpha:g}" if options.alpha else "")


def _loss(record: FitRecord) -> str:
    loss = record.trained.options.loss
    return {"squared_error": "", "huber": "Huber's"}.get(loss, loss)


def _sum_coded(column: str, record: FitRecord) -> str:
    without = record.terms.sum_coded.get(column)
    return "" if without is None else f"{column} (without {without})"


def _dependent(record: FitRecord) -> str:
    return _few([line.name for line in record.coefficients if line.status == "dependent"])


def _rows(record: FitRecord) -> tuple[object, ...]:
    """Return what tells rows of one table from others."""
    options = record.trained.options
    split = (options.test_size, options.split_key, options.random_state) if options.test_size else ()
    return record.trained.n_rows, split
