"""Parts of records: tests of terms, effects of curves, units of predictions, and residuals."""

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


class Group(NamedTuple):
    """The slice along ŷ, means of ŷ, y − ŷ and √|z|, and the rows of a group."""

    part: Count
    predicted: Drawn
    residual: Drawn
    root: Drawn
    rows: Some


class Quantile(NamedTuple):
    """0, means of normal quantiles and of z, and the rows of a group."""

    part: Count
    normal: Drawn
    z: Drawn
    rows: Some


class Band(NamedTuple):
    """How many |z| lie between two numbers of standard deviations, None in place of 1 to 4, and how many if normal."""

    low: Drawn
    high: Drawn | None
    rows: Count | None
    normal: NotNegative


class Dot(NamedTuple):
    """The mean of a group of rows in a chart, and how many they are."""

    x: Drawn
    y: Drawn
    rows: Some


PlaneName = Literal["actual", "fitted", "scale", "leverage", "order"]  # charts of rows, by what they show


class Hexagons(NamedTuple):
    """The rows in one plane, counted in hexagons of this width and height; leverages by their decimal logarithms.

    A cell is a hexagon of five rows or more, by its center. `others` are means of five or more of the other rows.
    """

    plane: PlaneName
    width: Positive
    height: Positive
    cells: tuple[Dot, ...]
    others: tuple[Dot, ...]


class Point(NamedTuple):
    """A single row: ŷ, y − ŷ, z, its leverage, and its place in the order of the rows, where these are known."""

    predicted: Drawn
    residual: Drawn
    z: Drawn
    leverage: NotNegative | None
    place: Count | None


ResidualTestName = Literal["curvature", "spread", "order", "tails"]


class ResidualTest(NamedTuple):
    """A test of residuals: see `regress.inference.residual_tests`.

    `size` is the size of the effect, and `found` whether p-value and size are beyond the thresholds.
    """

    name: ResidualTestName
    statistic: float
    p_value: NotNegative
    size: float
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualGroups:
    """Residuals of a sample of the training rows in groups of five or more: see `regress.inference.residuals`.

    Attributes
    ----------
    rows, complete : int, bool
        Rows in the sample, and whether these are all training rows.
    groups, normal, bands, far : tuples, int or None
        Groups along ŷ, groups in order of size, counts of large residuals, and rows moved to the fence.
    order : tuple of Dot
        Means of z along the order of the rows, where that is known.
    hexagons : tuple of Hexagons
        The same rows in hexagons, if there are more than `MOST_POINTS`.
    points : tuple of Point
        Every row, if these were asked for.
    tests : tuple of ResidualTest
        What the residuals show.
    bent : str or None
        If the relation bends, the column whose square explains most of it; None if that is little.
    decisive : int or None
        Rows with a leverage near 1; None where leverages are unknown.
    positive : bool
        Whether the target is positive in all rows of the sample, so that it has a logarithm.
    """

    rows: Some
    complete: bool
    groups: tuple[Group, ...]
    normal: tuple[Quantile, ...]
    bands: tuple[Band, ...]
    far: Count | None
    order: tuple[Dot, ...]
    hexagons: tuple[Hexagons, ...]
    points: tuple[Point, ...]
    tests: tuple[ResidualTest, ...]
    bent: Name | None
    decisive: Count | None
    positive: bool
