"""What is known of results, as plain values: what passes between computing, files, texts, charts and pages."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from typing import Annotated, Any, NamedTuple

import numpy as np

from regress.blocks import Array

STEPS = 200  # of a descent that does not arrive before
SQUARED = "squared_error"  # the loss that is no other
HUBER_ERRORS = "Huber's H1"  # the kind of standard errors of his loss
MOST_POINTS = 2_000  # rows that are drawn one by one
LEAST_LEVERAGE = 1e-9  # that is drawn, on a logarithmic axis
ROUNDING = 1e-15  # of the first loss: where the difference to the minimum is rounding
_CURVE = 72  # points of an ellipse

# What tables of coefficients call their columns: in frames, on the terminal, in JSON and in files.
TESTS = ("std_err", "t", "p_value", "ci_low", "ci_high")
COLUMNS = ("coef", *TESTS, "standardized", "digits")
PREDICTIONS = ("prediction", "pi_low", "pi_high")  # and what tables of predictions call theirs
INTERCEPT = "(intercept)"


class Bound(NamedTuple):
    """The smallest value of a number in a record, or a bound below it, and its largest size."""

    at_least: int | None = None
    above: int | None = None
    most: float | None = None


def known(value: float | None) -> float | None:
    """Return a figure as records hold it: None in place of a number that is not finite."""
    return float(value) if value is not None and isfinite(value) else None


def plain(figures: dict[str, Any]) -> dict[str, Any]:
    """Return values by name as records hold them: tuples, and None in place of numbers that are not finite."""
    held = {name: tuple(v) if isinstance(v, list) else v for name, v in figures.items()}
    return {name: known(v) if isinstance(v, float) else v for name, v in held.items()}


def number(value: float | None) -> float:
    """Return a figure of a record as a number: NaN where it is missing."""
    return nan if value is None else value


Count = Annotated[int, Bound(at_least=0)]
Some = Annotated[int, Bound(at_least=1)]
Positive = Annotated[float, Bound(above=0)]
NotNegative = Annotated[float, Bound(at_least=0)]
Drawn = Annotated[float, Bound(most=1e200)]  # tables hold at most 1e150
Squared = Annotated[float, Bound(most=1.34e154)]  # and these are numbers whose squares are doubles
Norm = Annotated[float, Bound(at_least=0, most=1.34e154)]
Name = Annotated[str, "utf-8"]  # as in a table; other texts may hold bytes of a file's name


class FoldScores(NamedTuple):
    """A metric over the folds of a cross-validation: mean, standard deviation, and its values.

    Mean and deviation are missing where a fold has no value.
    """

    mean: float | None
    sd: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRecord:
    """One tool of a comparison: see `regress.api.verdict.FittedRow`.

    It has no coefficients without a fit, and where it is no linear model of the rows.
    """

    name: str
    asked: str
    note: str
    coef: tuple[float, ...] | None
    intercept: float | None
    digits: float | None
    digits_of: tuple[float, ...] | None
    intercept_digits: float | None
    moved: float | None
    excess_loss: float | None
    loss: float | None
    gradient_norm: float | None
    seconds: float | None
    n_iter: int | None
    rank: int | None
    added: bool
    metrics: Mapping[str, float | None]
    cv: Mapping[str, FoldScores]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRecord:
    """What is shown of a comparison: see `regress.api.compare.Comparison`."""

    source: str
    read_as: str
    target: str
    rows: str
    names: tuple[str, ...]
    fit_intercept: bool
    digits_asked: float
    metrics: tuple[str, ...]
    folds: str
    agree: bool
    disagree: tuple[str, ...]
    verdict: tuple[str, ...]
    fits: tuple[ToolRecord, ...]


class ClaimLine(NamedTuple):
    """A coefficient that was claimed, the true one, and the digits that they share."""

    name: str
    claimed: float
    true: float
    digits: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """What is shown of a certificate: see `regress.inference.certificate.Certificate`."""

    source: str
    target: str
    objective: str
    space: str
    rows: int
    passed: bool
    asked: float
    worst: float
    moved: float | None
    allowed: float
    gradient_norm: float | None
    excess_loss: float | None
    loss: float | None
    lines: tuple[ClaimLine, ...]
    equations: tuple[str, ...]
    min_norm_digits: float | None
    notes: tuple[str, ...]


class DescentPath(NamedTuple):
    """Where one method was before each step: two coefficients (steps, 2), and L above its minimum (steps,).

    Where it `arrived`, it ends with the first step at which the remainder is rounding.
    """

    method: str
    points: Array
    excess: Array
    arrived: bool


class Descents(NamedTuple):
    """Paths over two coefficients, in the user's units, and the loss that they descend.

    With all other coefficients at their best, L − min L = (p − minimum)ᵀ curvature (p − minimum).
    """

    minimum: Array
    curvature: Array
    paths: tuple[DescentPath, ...]

    def contour(self, excess: float) -> Array:
        """Return points (k, 2) of the ellipse on which L is `excess` above its minimum."""
        scale = np.sqrt(np.diagonal(self.curvature))
        values, vectors = np.linalg.eigh(self.curvature / scale / scale[:, None])
        values = np.maximum(values, 1e-9)  # columns that depend on each other: a valley without an end
        turn = np.linspace(0.0, 2.0 * np.pi, _CURVE + 1)
        circle = np.array([np.cos(turn), np.sin(turn)])
        points: Array = (vectors @ (circle * np.sqrt(excess / values)[:, None])) / scale[:, None]
        return points.T + self.minimum


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


def objective_text(weighted: bool, alpha: float, loss: str = SQUARED, penalty: str = "") -> str:
    """Write what was minimized; a loss or a penalty that was given as an object by its name."""
    a = "a" if weighted else ""
    text = {SQUARED: f"Σ{a}(ŷ − y)²", "huber": f"Σ{a}{' ' * weighted}h(ŷ − y)"}.get(loss, loss)
    return text + (f" + {penalty}" if penalty else f" + {alpha:g}‖w‖²" if alpha else "")


def environment() -> dict[str, str]:
    """Return the versions of what computes: Python, NumPy, SciPy and this package."""
    import scipy

    from regress import __version__

    return {
        "regress": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
    }
