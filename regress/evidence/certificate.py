"""The certificate: how many digits of any coefficients are right, from the exact gradient at them.

At the minimum ∇L = 0, and L is quadratic: so the distance to it from any (w, b) is δ = (∇²L)⁻¹∇L. Newton steps with the
exact gradient end where none is left, to 2⁻⁷⁰ of each coefficient; from there, distance, gradient and loss at the claim
are computed without rounding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import hypot, inf
from typing import Any

import numpy as np

from regress.aligned import aligned
from regress.numerics.moments import Block
from regress.numerics.twofold import Array
from regress.training.normal import power, rounded
from regress.training.refinement import Minimum

MOST_DIGITS = 15.95
EFFECT = 1e-6  # of the spread of y: what a wrong coefficient may move a fitted value by and still be called right


def objective_text(weighted: bool, alpha: float) -> str:
    """Write what was minimised."""
    return f"Σ{'a' if weighted else ''}(ŷ − y)²" + (f" + {alpha:g}‖w‖²" if alpha else "")


def digits_right(distance: Array, true: Array, norm: Array, target_norm: float) -> Array:
    """Return min(15.95, −log₁₀(|δⱼ|/|wⱼ|)), at least 0, for each coefficient (n,).

    Where the true |wⱼ|‖xⱼ‖ is below 2^-52‖y − ȳ‖, a zero but for rounding, δⱼ is measured against ‖y − ȳ‖/‖xⱼ‖.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        floor = np.where(norm > 0, target_norm / norm, np.inf)
        size = np.where(np.abs(true) < 2.0**-52 * floor, floor, np.abs(true))
        digits = -np.log10(np.abs(distance) / size)
    return np.where(distance == 0, MOST_DIGITS, np.clip(np.nan_to_num(digits), 0.0, MOST_DIGITS) + 0.0)


def digits_at_least(bound: Array, w: Array, norm: Array, target_norm: float) -> Array:
    """Return digits that coefficients (n,) have if they are off by `bound` at most: |w*| ≥ |w| − bound."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        floor = np.where(norm > 0, target_norm / norm, np.inf)
        true = np.maximum(np.abs(w) - bound, 2.0**-52 * floor)
        true = np.where(np.abs(w) + bound < 2.0**-52 * floor, 0.0, true)  # a zero but for rounding, in any case
    return digits_right(bound, true, norm, target_norm)


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """What exact sums over a table say of coefficients, whoever found them.

    Attributes
    ----------
    names : tuple of str
        The columns.
    w, b : array of shape (n,), float
        The coefficients and intercept that were claimed.
    true_w, true_b : array of shape (n,), float
        The true ones, each rounded once; where columns depend on each other, those of the nearest minimiser.
    distance, distance_at_center : array of shape (n,), float
        δ = w − w*, and what it adds to the prediction at the center of the claim, each rounded once.
    digits : dict of float
        Digits right, by column.
    intercept_digits : float or None
        Those of the intercept; None where none is fitted.
    gradient_norm : float
        ‖∇L‖ at the claim, columns about their means where b is fitted.
    excess_loss, loss : float
        L above its minimum at the claim, and the minimum.
    equations : tuple of str
        Those that dependent columns obey: then there are many minimisers.
    min_norm_digits : dict of float or None
        Digits shared with the minimiser of least ‖w‖, where there are many.
    rows : int
        Rows that were summed.
    asked : float
        Digits that count as right.
    moved : float or None
        The most that δ moves a fitted value, in standard deviations of y; None where all digits are right already.
    space : str
        What the coefficients belong to, if not to the table's own columns.
    source, target, objective : str
        Where they were summed, what they predict, and what is least at the true ones.
    """

    names: tuple[str, ...]
    w: Array
    b: float
    true_w: Array
    true_b: float
    distance: Array
    distance_at_center: float
    digits: dict[str, float]
    intercept_digits: float | None
    gradient_norm: float
    excess_loss: float
    loss: float
    equations: tuple[str, ...]
    min_norm_digits: dict[str, float] | None
    rows: int
    asked: float = 6.0
    moved: float | None = None
    space: str = ""
    source: str = ""
    target: str = ""
    objective: str = "Σ(ŷ − y)²"

    @property
    def worst(self) -> float:
        """Digits of the worst coefficient, the intercept included."""
        all_of_them = [*self.digits.values(), *([] if self.intercept_digits is None else [self.intercept_digits])]
        return min(all_of_them, default=MOST_DIGITS)

    @property
    def passed(self) -> bool:
        """Whether all digits asked for are right, or what is wrong moves no fitted value by 1e-6 of the spread of y."""
        return self.worst >= self.asked or (self.moved is not None and self.moved <= EFFECT)

    @property
    def table(self) -> Any:
        """Claimed and true coefficients and digits right, a row a coefficient, as a pandas DataFrame."""
        from regress.tables.frames import to_frame

        return to_frame(self.lines(), ["name", "claimed", "true", "digits"], index="name")

    def summary(self) -> str:
        """Return the certificate as text for people: claimed beside true coefficients, and the verdict."""
        head = ["", "claimed", "true", "digits right"]
        rows = [[name, *(f"{v:.17g}" for v in (claimed, true)), f"{d:.1f}"] for name, claimed, true, d in self.lines()]
        of = f", {self.space}" if self.space else ""
        moved = "" if self.moved is None else f"; what is wrong moves a fitted value by {self.moved:.2g} sd(y) at most"
        verdict = "Certified" if self.passed else "Not certified"
        said = [
            f"‖∇L‖ {self.gradient_norm:.3g}; loss {self.excess_loss:.3g} above its minimum {self.loss:.10g}",
            f"{verdict}: {self.worst:.1f} digits or more are right, {self.asked:g} asked{moved}.",
        ]
        if self.min_norm_digits is not None:
            said.append(
                f"Columns depend on each other ({'; '.join(self.equations[:5])}): digits are counted to the nearest of "
                f"many minimisers; to the one of least ‖w‖ they are {min(self.min_norm_digits.values()):.1f}."
            )
        return "\n".join([f"Exact sums over {self.rows:,} rows{of}", "", *aligned(head, rows), "", *said])

    def lines(self) -> list[tuple[str, float, float, float]]:
        """Return (name, claimed, true, digits) for the intercept, if any, and every column."""
        first = [] if self.intercept_digits is None else [("(intercept)", self.b, self.true_b, self.intercept_digits)]
        columns = self.w.tolist(), self.true_w.tolist(), self.digits.values()
        return first + list(zip(self.names, *columns, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        claimed, true = (dict(zip(self.names, v.tolist(), strict=True)) for v in (self.w, self.true_w))
        figures = ("passed", "asked", "gradient_norm", "excess_loss", "loss", "moved", "min_norm_digits", "space")
        return {name: getattr(self, name) for name in figures} | {
            "digits": {"coef": self.digits, "intercept": self.intercept_digits},
            "coef": claimed,
            "intercept": self.b,
            "true_coef": true,
            "true_intercept": self.true_b,
            "equations": list(self.equations),
            "n_rows": self.rows,
        }


def certificate(
    minimum: Minimum, names: Sequence[str], w: Array, center: Array, b_center: float, b: float
) -> Certificate:
    """Certify ŷ = (x − center)ᵀw + b_center, whose intercept is given as b.

    Parameters
    ----------
    minimum : Minimum
        Where the loss that was minimised is least.
    names : sequence of str
        The columns.
    w, center, b_center, b : array of shape (n,), array of shape (n,), float, float
        The claim.
    """
    equations, dependence = minimum.equations, minimum.dependence
    claim = [Fraction(v) for v in w.tolist()]
    intercept = Fraction(b_center) - sum(v * Fraction(c) for v, c in zip(claim, center.tolist(), strict=True))
    apart = [v - true for v, true in zip(claim, minimum.exact, strict=True)]
    many = bool(dependence.relations) and not equations.alpha and not dependence.drop
    distance = dependence.least_norm(dependence.effective(apart)) if many else apart
    nearest = [v - d for v, d in zip(claim, distance, strict=True)]
    true_b = -equations.level(nearest, Fraction(0)) if equations.fit_intercept else Fraction(0)
    level = equations.level(claim, intercept) if equations.fit_intercept else Fraction(0)

    plain = equations.take(range(equations.n), alpha=0.0) if equations.alpha else equations
    norm, target_norm, weight = plain.norms[:-1], float(plain.norms[-1]), float(equations.weight)
    size = rounded(equations.uncentred_square) ** 0.5
    target_norm = target_norm or size  # a constant y
    true_w, off = np.array([rounded(v) for v in nearest]), np.array([rounded(v) for v in distance])
    digits = digits_right(off, true_w, norm, target_norm)
    to_least = digits_right(np.array([rounded(v) for v in apart]), minimum.w, norm, target_norm)
    off_b = np.array([rounded(Fraction(b) - true_b)])
    of_b = digits_right(off_b, np.array([rounded(true_b)]), np.array([weight**0.5]), size)
    left_out = [r.column for r in dependence.relations if dependence.drop]
    pull = enumerate(zip(equations.pull(equations.whole(claim)), equations.pull_exponent, strict=True))
    gradient = [rounded(2 * int(g) * power(e) / equations.factor) for j, (g, e) in pull if j not in left_out]
    gradient.append(2.0 * weight * rounded(level))
    return Certificate(
        tuple(names),
        w,
        b,
        true_w,
        rounded(true_b),
        off,
        rounded(
            Fraction(b_center) - true_b - sum(v * Fraction(c) for v, c in zip(nearest, center.tolist(), strict=True))
        ),
        dict(zip(names, digits.tolist(), strict=True)),
        float(of_b[0]) if equations.fit_intercept else None,
        hypot(*gradient),
        rounded(equations.square(equations.whole(distance)) + equations.weight * level**2),
        max(rounded(equations.loss(minimum.omega)), 0.0),
        tuple(r.text(names) for r in dependence.relations),
        dict(zip(names, to_least.tolist(), strict=True)) if many else None,
        equations.rows,
    )


def largest_move(blocks: Iterable[Block], claim: Certificate, center: Array, spread: float) -> float:
    """Return the most that δ moves a fitted value, in units of `spread`: a pass over the rows."""
    with np.errstate(over="ignore", invalid="ignore"):
        moves = (np.abs((X - center) @ claim.distance + claim.distance_at_center).max() for X, _, _ in blocks)
        most = max(map(float, moves), default=0.0)
    return most / spread if spread > 0 else inf if most else 0.0
