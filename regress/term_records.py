"""What records hold of formulas: tests of terms, effects of curves, units of predictions; and inspections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from regress.options import Correction
from regress.records import Count, Drawn, Name, NotNegative, Positive, Some

LARGEST = 1e200  # that is drawn
Transform = Literal["log", "log1p", "log2", "log10", "sqrt"]  # of a target, which predictions are transformed back from


class TermTest(NamedTuple):
    """The F test that all coefficients of a term are 0: the term, degrees of freedom, F and its p-value."""

    term: Name
    df: Some
    f: NotNegative | None
    p_value: NotNegative | None


class ColumnRange(NamedTuple):
    """Where most values of a column lie in a sample of the training rows: 1 %, 99 %, and the mean."""

    column: Name
    low: Drawn
    high: Drawn
    mean: Drawn


class EffectPoint(NamedTuple):
    """A value of a column, its effect, and the ends of the effect's confidence interval, if known."""

    x: Drawn
    effect: Drawn
    low: Drawn | None
    high: Drawn | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The change in the prediction from where a column has its mean to where it has other values.

    Attributes
    ----------
    column, kind, terms : str, str, tuple of str
        A column of the table that enters by a curve, and the terms that read it.
    at : float
        Its mean in the sample, where the effect is 0.
    numbers, levels : mapping
        Other columns of these terms, and the value or level at which they are held. A text that is only compared, as
        in ``zone == 'south'``, has no level.
    points : tuple of EffectPoint
        The effect over a grid from 1 % to 99 % of the values.
    """

    column: Name
    kind: Literal["number", "date"]
    terms: tuple[Name, ...]
    at: Drawn
    numbers: Mapping[Name, Drawn]
    levels: Mapping[Name, Name | None]
    points: tuple[EffectPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is known of terms.

    Attributes
    ----------
    formula : str
        What they were written as; "" without a formula.
    sum_coded : mapping
        Text columns whose levels are compared with their mean, and the level that has no coefficient.
    tests : tuple of TermTest
        Of terms of several columns, where there are standard errors.
    ranges : tuple of ColumnRange
        Of the columns that effects need.
    effects : tuple of Effect
        Of columns that enter by curves.
    """

    formula: str = ""
    sum_coded: Mapping[Name, Name] = field(default_factory=dict)
    tests: tuple[TermTest, ...] = ()
    ranges: tuple[ColumnRange, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retransform:
    """How predictions of a transformed target get the units of its column: see `regress.inference.retransform`.

    `factor` is of a log, `mean` and `square` are of a square root. `rows` is the number of training rows that are kept,
    of which smearing is, and `r2_original`: R² about the mean in these units. Held-out rows are often only summed; then
    `r2_test_original` is None.
    """

    transform: Transform
    column: Name
    correction: Correction
    factor: Positive = 1.0
    mean: float = 0.0
    square: NotNegative = 0.0
    rows: Count = 0
    r2_original: float | None = None
    r2_test_original: float | None = None


class DateRange(NamedTuple):
    """The mean, the first and the last date of a column as text; empty where it has no dates."""

    mean: str = ""
    low: str = ""
    high: str = ""


NO_DATES = DateRange()


class Bin(NamedTuple):
    """An interval of a histogram, closed below, and how many rows of the sample are in it."""

    low: float
    high: float
    rows: int


class LevelCount(NamedTuple):
    """A level and its rows."""

    level: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRecord:
    """One column of an inspection: see `regress.api.inspect_columns.ColumnReport`."""

    name: str
    kind: str
    missing: int
    mean: float | None
    spread: float | None
    low: float | None
    high: float | None
    n_levels: int
    levels: tuple[str, ...]
    looks_like_id: bool
    dtype: str
    hint: str
    dates: DateRange
    all_differ: bool
    n_single: int
    single: tuple[str, ...]
    n_like_numbers: int
    like_numbers: tuple[str, ...]
    bins: tuple[Bin, ...]
    frequent: tuple[LevelCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaRecord:
    """What a term of a formula becomes: how its columns of X are computed, how many there are, and what they hold.

    `name` has … in place of levels. What is not known before a fit is None.
    """

    name: str
    term: str
    kind: str
    columns: int
    computed: str
    references: tuple[str, ...]
    missing: int | None
    low: float | None
    high: float | None
    dates: DateRange


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRecord:
    """What is shown of an inspection: see `regress.api.inspect.Inspection`.

    `address` names the table in the command. `sampled` rows are those of which histograms are.
    Where no target is given, one of `targets` may be.
    """

    label: str
    address: str
    read_as: str
    rows: int
    bad: int
    sampled: int
    columns: tuple[ColumnRecord, ...]
    formula: str
    terms: tuple[FormulaRecord, ...]
    remarks: tuple[str, ...]
    command: str
    targets: tuple[str, ...]
