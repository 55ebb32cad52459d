"""The sums of squares of a fit, with their digits also where R² is near 1.

From moments, Σa e² is what s − 2cᵀw + wᵀGw leaves: where it is far smaller than s, that is rounding. Exact totals know
it exactly. Without them the residuals are summed in a second pass over the rows, each as a pair of doubles.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.blocks import Array, Block
from regress.errors import InputError
from regress.inference.covariance import inverse_of_moments
from regress.messages import setting
from regress.numerics import error_free
from regress.numerics.integers import nearest_doubles, power, ratio, rounded
from regress.numerics.prediction import fold, residuals
from regress.numerics.whole_sum import WholeSums, implied_intercept
from regress.options import TrainOptions
from regress.solvers.accuracy import cancels
from regress.solvers.choose import objective_of
from regress.solvers.exact.normal_equations import NormalEquations
from regress.solvers.exact.refinement import Minimum
from regress.solvers.solution import Training

_ROUNDING = 10.0  # times the noise of rounding, as for columns that depend on each other
_TILE = 2**16  # cells of the second pass that are worked on at a time


class Squares(NamedTuple):
    """Sums of squares in units of `unit`², which keep them within the range of float64.

    Attributes
    ----------
    unit : float
        A power of two, about √Σa y².
    residual : float
        The minimum of Σa e². Rounding of w is no part of it; with a penalty or another loss it is Σa e² at w.
    excess : float
        What Σa e² at (w, b) has more.
    centered, uncentered : float
        Σa(y − ȳ)² and Σa y².
    noise : float
        Upper bound of Σa e² where the residuals are only rounding of the stored numbers; 0 where that was not checked.
    explained : tuple of two float, optional
        Σa(y − ȳ)² and Σa y² less the residual sum, where it is known without rounding.
    """

    unit: float
    residual: float
    excess: float
    centered: float
    uncentered: float
    noise: float = 0.0
    explained: tuple[float, float] | None = None

    @property
    def perfect(self) -> bool:
        """Whether the residuals are no more than rounding of the stored numbers."""
        return self.residual <= self.noise

    def r2(self, centered: bool, excess: float | None = None) -> float:
        """Return 1 − Σa e²/Σa(y − ȳ)², uncentered 1 − Σa e²/Σa y², at (w, b); NaN where y is constant, or 0.

        With an `excess` of 0 it is that of the minimum.
        """
        total, excess = self.centered if centered else self.uncentered, self.excess if excess is None else excess
        if not total > 0:
            return float("nan")
        if self.explained is None:
            return 1.0 - (self.residual + excess) / total
        return (self.explained[not centered] - excess) / total  # near 0 a difference from 1 has fewer digits


@np.errstate(over="ignore", invalid="ignore")  # of a descent that is far from its end
def squares_of(training: Training, data: TrainingData, options: TrainOptions) -> tuple[Squares, float]:
    """Return the sums of squares of a fit, and its loss Σa e² + α‖w‖² at (w, b).

    Parameters
    ----------
    training, data, options
        How the fit came about. The training rows are read again where nothing else has the digits.
    """
    w, alpha = training.w, options.alpha
    if not np.isfinite([*w, training.b_center]).all():
        return Squares(1.0, training.loss, 0.0, float("nan"), float("nan")), training.loss
    given = options.loss != "squared_error" and not objective_of(options)[0].quadratic
    if given or options.penalty is not None:
        return _of_rows(training, data, options, least=False), training.loss
    penalty = alpha * float(w @ w) if alpha else 0.0  # w² may be beyond the range of a double
    if training.minimum is not None:
        squares, loss = _of_minimum(training, training.minimum, alpha)
        hidden = 0.0 < squares.residual <= squares.noise
        return squares._replace(noise=0.0) if hidden and not _explained(training, data) else squares, loss
    if cancels(data, options, w, training.loss - penalty):
        squares = _of_rows(training, data, options, least=not alpha)
        return squares, (squares.residual + squares.excess) * squares.unit**2 + penalty
    return _of_moments(training, data, options, training.loss - penalty), training.loss


def _of_minimum(training: Training, minimum: Minimum, alpha: float) -> tuple[Squares, float]:
    equations, w = minimum.equations, [Fraction(v) for v in training.w.tolist()]
    b = Fraction(training.b_center) - sum(v * Fraction(c) for v, c in zip(w, training.center.tolist(), strict=True))
    penalty = Fraction(alpha) * sum((v * v for v in w), Fraction(0))
    plain = equations.plain
    square = plain.uncentered_square
    at_w = plain.loss(plain.whole(w))
    if plain.fit_intercept:
        at_w += plain.weight * plain.level(w, b) ** 2
    least = min(at_w, minimum.least) if not alpha else at_w
    centered_square = square - plain.weight * plain.means[-1] ** 2
    sums = (least, at_w - least, centered_square, square, centered_square - least, square - least)
    exponent = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    noise = np.ldexp(np.append(plain.ulps * training.w, plain.target_ulps), -exponent)
    residual, excess, centered, uncentered, *more = nearest_doubles(np.array(sums) / power(2 * exponent)).tolist()
    noise_square = _ROUNDING**2 / 12.0 * float(noise @ noise)
    squares = Squares(
        ratio(1, -exponent),
        residual=residual,
        excess=excess,
        centered=centered,
        uncentered=uncentered,
        noise=noise_square,
        explained=(more[0], more[1]),
    )
    return squares, rounded(at_w + penalty)


class _Line(NamedTuple):
    """A prediction about x = 0, its intercept in two parts: one enormous value in a column may have moved its mean."""

    w: Array
    b: float
    rest: float

    @classmethod
    def of(cls, training: Training) -> "_Line":
        b = implied_intercept(training.w, training.center, training.b_center)
        return cls(training.w, rounded(b), rounded(b - Fraction(rounded(b))))

    def residuals(self, X: Array, Y: Array) -> Array:
        """Return ŷ − y (m,) with twice the digits; a row has the same bits in any block."""
        return residuals(X, Y[:, 0], self.w, np.zeros_like(self.w), self.b) + self.rest


def _explained(training: Training, data: TrainingData) -> bool:
    """Tell whether rounding explains the residual of every row: a few coarse values hide no others.

    Where there are no rows to look at, it explains all that it can explain.
    """
    return not data.has_rows or data.fold(partial(Explained, _Line.of(training))).finish()


class Explained:
    """Whether rounding explains the residual of every row: in any order of the rows, since each is judged alone."""

    def __init__(self, line: _Line) -> None:
        self._line, self._explained = line, True

    def add(self, block: Block) -> None:
        """Add rows; none is looked at after one that is not explained."""
        w = self._line.w
        for X, Y, *_ in _tiles(block, len(w)):
            if self._explained:
                e = self._line.residuals(X, Y)
                noise = np.sqrt(fold(np.square(np.vstack([np.spacing(np.abs(X * w)).T, np.spacing(np.abs(Y)).T]))))
                self._explained = not (np.abs(e) > _ROUNDING * noise).any()

    def merge(self, other: "Explained") -> None:
        """Add the rows of another part."""
        self._explained = self._explained and other._explained

    def finish(self) -> bool:
        """Return whether it does."""
        return self._explained


def spreads(data: TrainingData, minimum: Minimum | None) -> tuple[Array, float]:
    """Return √Σa(x − x̄)² (n,) and that of the target: of exact totals also where the squares underflow."""
    totals, summary = data.totals, data.summary
    if totals is None:
        return summary.norm, float(summary.target_norm[0])
    if minimum is not None and minimum.equations.fit_intercept:
        norms = minimum.equations.plain.norms
    else:
        norms = NormalEquations(totals, len(summary.target_norm), 0, 0.0, True).norms
    return norms[:-1], float(norms[-1])


def _of_moments(training: Training, data: TrainingData, options: TrainOptions, residual: float) -> Squares:
    """Take Σa e² as the descent saw it; what is left of the descent is a part of it."""
    summary, moments = data.summary, data.moments
    unit, centered, uncentered = _of_target(data)
    excess = 0.0
    if moments is not None and not options.alpha:
        move, level = training.remaining, 0.0
        if options.fit_intercept:
            gap = summary.center - training.center
            level = error_free.dot(gap, training.w, training.b_center - float(summary.target_center[0]))
        else:
            level = float(summary.center @ move)
        excess = min(float(move @ moments.xx @ move) + summary.weight * level * level, residual)
    return Squares(unit, (residual - excess) / unit / unit, excess / unit / unit, centered, uncentered)


def _of_target(data: TrainingData) -> tuple[float, float, float]:
    """Return a unit near √Σa y², and Σa(y − ȳ)² and Σa y² in its square."""
    summary = data.summary
    norm, far = float(summary.target_norm[0]), summary.weight**0.5 * float(summary.target_center[0])
    unit = float(np.ldexp(1.0, np.frexp(np.hypot(norm, far))[1]))
    return unit, (norm / unit) ** 2, (norm / unit) ** 2 + (far / unit) ** 2


def _of_rows(training: Training, data: TrainingData, options: TrainOptions, *, least: bool) -> Squares:
    """Sum the squares of the residuals e at (w, b); their `least` sum is a Newton step away, which Xᵀe tells."""
    if not data.has_rows:
        raise InputError(
            "The residuals of this fit are too small for sums in float64. Pass the table itself, or use "
            f"{setting('precision', 'exact')}."
        )
    summary = data.summary
    unit, centered, uncentered = _of_target(data)
    least = least and data.moments is not None
    origin = summary.center * options.fit_intercept if least else None
    at_w, noise, level, *pulls = data.fold(partial(ResidualSums, _Line.of(training), unit, origin)).finish().tolist()
    excess = 0.0
    if data.moments is not None and least:
        inverse = inverse_of_moments(data.moments, options.fit_intercept)
        pull = np.array(pulls) / (1.0 if inverse is None else inverse.scale)
        excess = at_w if inverse is None else float(pull @ inverse.matrix @ pull)
        excess = min(excess + level**2 / summary.weight * options.fit_intercept, at_w)
    return Squares(unit, at_w - excess, excess, centered, uncentered, _ROUNDING**2 / 12.0 * noise)


class ResidualSums:
    """Of residuals e in a unit: Σ a e², Σ a ulp² of the terms of ŷ − y, Σ a e and, about an origin, Σ a (x − origin) e.

    The terms are rounded, and their sums are not: so they have the same bits in any order of the rows.
    """

    def __init__(self, line: _Line, unit: float, origin: Array | None) -> None:
        self._line, self._unit, self._origin = line, unit, origin
        self._sums = WholeSums(3 + (0 if origin is None else len(origin)))

    def add(self, block: Block) -> None:
        """Add rows."""
        w, unit = self._line.w, self._unit
        for X, Y, a, *_ in _tiles(block, len(w)):
            e = self._line.residuals(X, Y) / unit
            ae = e if a is None else a * e
            of_row = fold(np.square(np.vstack([np.spacing(np.abs(X * w)).T, _ulps(Y).T]) / unit))
            terms = [(ae * e)[:, None], (of_row if a is None else a * of_row)[:, None], ae[:, None]]
            terms += [] if self._origin is None else [(X - self._origin) * ae[:, None]]
            self._sums.add(np.concatenate(terms, axis=1))

    def merge(self, other: "ResidualSums") -> None:
        """Add the rows of another part."""
        self._sums.merge(other._sums)

    def finish(self) -> Array:
        """Return the sums, in this order."""
        return self._sums.finish()


def _tiles(block: Block, n: int) -> Iterator[Block]:
    """Yield rows in pieces that stay in the cache."""
    X, Y, a, *_ = block
    step = max(_TILE // max(n, 1), 1)
    for i in range(0, len(X), step):
        yield Block(X[i : i + step], Y[i : i + step], None if a is None else a[i : i + step])


def _ulps(values: Array) -> Array:
    """Return the ulp of each number, 0 for whole ones, which carry no rounding."""
    return np.where((values == np.rint(values)) & (np.abs(values) < 2.0**53), 0.0, np.spacing(np.abs(values)))
