"""One gradient, computed five ways: rows or moments, derived or autodiff, and a central difference of the loss."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.aggregates.moment_sums import accumulate
from regress.blocks import Array
from regress.messages import aligned, paragraph
from regress.numerics.atomic_write import strict
from regress.objective.gradient import Rows
from regress.objective.losses import Loss, SquaredError, central_difference_step
from regress.objective.objective import ENGINES, DataTerm, MomentsTerm, RowsTerm
from regress.objective.scaling import Coordinates

TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """The gradient of L at one point, computed in several ways.

    Attributes
    ----------
    names : tuple of str
        The parameters; "(intercept)" last, if b is fitted.
    gradients : dict of arrays of shape (n,) or (n + 1,)
        By way, in the user's units, about the columns' means.
    scale : array
        The natural scale 2Σ|xᵢⱼ||ŷᵢ − yᵢ| of each parameter's gradient: the sum of the absolute values of its terms.
    tolerance : float
        Largest difference, relative to the scale, of gradients that agree.

    Examples
    --------
    >>> import regress
    >>> check = regress.check_gradients("data/income_rate.csv", "spend")
    >>> check.names
    ('income', 'rate', '(intercept)')
    >>> list(check.gradients)
    ['derived rows', 'derived moments', 'autodiff rows', 'autodiff moments', 'central difference']
    """

    names: tuple[str, ...]
    gradients: dict[str, Array]
    scale: Array
    tolerance: float = TOLERANCE

    @cached_property
    def errors(self) -> dict[str, Array]:
        """Per way, the distance from the derived gradient over rows, relative to the natural scale."""
        reference = self.gradients["derived rows"]
        scale = np.where(self.scale > 0, self.scale, 1.0)
        return {way: np.abs(g - reference) / scale for way, g in self.gradients.items()}

    @property
    def worst(self) -> float:
        """The largest of the errors; NaN if any of them is."""
        return float(np.max(list(self.errors.values())))

    @property
    def passed(self) -> bool:
        """Whether all ways agree to within the tolerance."""
        return self.worst <= self.tolerance

    def __repr__(self) -> str:
        verdict = "all ways agree" if self.passed else "the ways disagree"
        return f"GradientCheck({len(self.names):,} parameters, largest difference {self.worst:.1e}, {verdict})"

    def __str__(self) -> str:
        return self.summary()

    def summary(self) -> str:
        """Return the check as text: one line per parameter, then the verdict.

        Examples
        --------
        >>> import regress
        >>> check = regress.check_gradients("data/income_rate.csv", "spend")
        >>> check.summary().splitlines()[0]
        'The gradient at a random point, and how far the other ways are from it,'
        """
        ways = [way for way in self.gradients if way != "derived rows"]
        columns = [(self.gradients["derived rows"], ".6g"), (self.scale, ".3g")]
        columns += [(self.errors[way], ".0e") for way in ways]
        rows = [[name, *(f"{v[j]:{form}}" for v, form in columns)] for j, name in enumerate(self.names)]
        verdict = "All ways agree" if self.passed else "The ways disagree"
        return paragraph(
            [
                "The gradient at a random point, and how far the other ways are from it,",
                "relative to its natural scale 2Σ|x||ŷ − y|:",
                "",
                *aligned(["", "derived rows", "scale", *ways], rows),
                "",
                f"{verdict}: largest difference {self.worst:.1e}, tolerance {self.tolerance:.0e}.",
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain values: what ``regress check --json`` prints.

        Examples
        --------
        >>> import regress
        >>> check = regress.check_gradients("data/income_rate.csv", "spend")
        >>> check.to_dict()["passed"]
        True
        """

        def named(values: Array) -> dict[str, float]:
            return dict(zip(self.names, values.tolist(), strict=True))

        held = {
            "version": 1,
            "passed": self.passed,
            "worst": self.worst,
            "tolerance": self.tolerance,
            "gradients": {way: named(g) for way, g in self.gradients.items()},
            "scale": named(self.scale),
            "errors": {way: named(e) for way, e in self.errors.items()},
        }
        return dict(strict(held))

    @property
    def table(self) -> Any:
        """The check as a pandas DataFrame: a row a parameter; the derived gradient, its scale, and each way's error."""
        from regress.sources.frames import to_frame

        ways = [way for way in self.gradients if way != "derived rows"]
        columns = [self.gradients["derived rows"], self.scale, *(self.errors[way] for way in ways)]
        rows = ([name, *values] for name, *values in zip(self.names, *(c.tolist() for c in columns), strict=True))
        return to_frame(rows, ["name", "gradient", "scale", *(f"error {way}" for way in ways)], index="name")


def check(data: TrainingData, names: tuple[str, ...], fit_intercept: bool, seed: int) -> GradientCheck:
    """Compute the gradient every way at a seeded random point away from the minimum.

    Parameters
    ----------
    data : TrainingData
        With its rows held.
    names : tuple of str
        Names of the columns.
    fit_intercept : bool
        Whether b is a parameter.
    seed : int
        Seed of the point: w and b are normal, in units that change a prediction as much as the spread of y.
    """
    assert data.rows is not None
    summary = data.summary
    origin = summary.center if fit_intercept else np.zeros_like(summary.center)
    target_origin = float(summary.target_center[0]) if fit_intercept else 0.0
    coordinates = Coordinates(origin, np.ones_like(origin), target_origin)
    moments = data.moments or accumulate(data.rows)
    form, parts = coordinates.moments(moments, 0), coordinates.rows(data.rows, 0)

    random = np.random.default_rng(seed)
    norm = np.sqrt(sum(np.einsum("ij,ij,i->j", X, X, np.broadcast_to(a, len(X))) for X, _, a in parts))
    spread = float(np.hypot(summary.target_norm[0], 0.0 if fit_intercept else summary.target_center[0])) or 1.0
    w = random.standard_normal(len(norm)) * np.divide(spread, norm, out=np.zeros_like(norm), where=norm > 0)
    b = random.standard_normal() * spread / np.sqrt(summary.weight) if fit_intercept else 0.0

    gradients, loss = {}, SquaredError()
    for engine in ("derived", "autodiff"):
        terms: dict[str, DataTerm] = {
            "rows": RowsTerm(loss, data.rows, coordinates, 0, engine=ENGINES[engine]),
            "moments": MomentsTerm(form, ENGINES[engine]),
        }
        for over, term in terms.items():
            at = term(w, b)
            gradients[f"{engine} {over}"] = np.append(at.grad_w, at.grad_b)
    gradients["central difference"] = _central_difference(loss, parts, np.append(norm, np.sqrt(summary.weight)), w, b)

    scale = np.zeros(len(w) + 1)
    for X, y, a in parts:
        terms_of_gradient = np.abs(loss.gradient(X @ w + b, y, a))
        scale += np.append(np.abs(X).T @ terms_of_gradient, terms_of_gradient.sum())
    kept = len(w) + fit_intercept
    shown = (*names, "(intercept)")[:kept]
    return GradientCheck(shown, {way: g[:kept] for way, g in gradients.items()}, scale[:kept])


def _central_difference(loss: Loss, parts: list[Rows], norm: Array, w: Array, b: float) -> Array:
    """(L(w + h) − L(w − h))/2h for each parameter, from the loss alone."""

    def value(w: Array, b: float) -> float:
        return sum(float(loss.value(X @ w + b, y, a, np)) for X, y, a in parts)

    steps = central_difference_step(np.sqrt(value(w, b)), norm)
    out = np.empty(len(steps))
    for j, h in enumerate(steps):
        move, move_b = np.zeros_like(w), 0.0
        if j < len(w):
            move[j] = h
        else:
            move_b = h
        out[j] = (value(w + move, b + move_b) - value(w - move, b - move_b)) / (2.0 * h)
    return out
