"""The certificate: how many digits of any coefficients are right, from the exact gradient at them.

At the minimum ∇L = 0, and L is quadratic: so the distance to it from any (w, b) is δ = (∇²L)⁻¹∇L. Newton steps with the
exact gradient end where none is left, to 2⁻⁷⁰ of each coefficient; from there, distance, gradient and loss at the claim
are computed without rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import hypot, inf, sqrt
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.messages import aligned, paragraph
from regress.numerics.digits import MOST_DIGITS, count_digits, digits_right
from regress.numerics.integers import fractions, nearest_doubles, root, rounded
from regress.numerics.whole_sum import contradicts, implied_intercept
from regress.solvers.exact.refinement import Minimum

EFFECT = 1e-6  # of the spread of y: what an error may change a prediction by and still count as none
_ROUNDINGS = 4  # half units of the last place of each coefficient, that predictions may be off by in any case


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Certificate:
    """What exact sums over a table say of coefficients, whoever found them.

    Attributes
    ----------
    names : tuple of str
        The columns.
    w, b : array of shape (n,), float
        The coefficients and intercept that were claimed.
    predicting_b : float or None
        The intercept that the claim predicts with, where that is not b.
    true_w, true_b : array of shape (n,), float
        The true ones, each rounded once; where columns depend on each other, those of the nearest minimizer.
    distance, distance_at_center : array of shape (n,), float
        δ = w − w*, and what it adds to the prediction at the center of the claim, each rounded once.
    digits : dict of float
        Digits right, by column.
    intercept_digits, intercept_distance : float or None, float
        Digits and distance from the truth of b or of `predicting_b`, the worse of the two; None and 0 where no
        intercept is fitted.
    scaled_by_y : tuple of str
        Coefficients that are zero but for rounding, so that their errors are measured against the scale of y.
    gradient_norm : float
        ‖∇L‖ at the claim, columns about their means where b is fitted.
    excess_loss, loss : float
        L above its minimum at the claim, and the minimum.
    equations : tuple of str
        Those that dependent columns obey: then there are many minimizers.
    min_norm_digits : dict of float or None
        Digits shared with the minimizer of least ‖w‖, where there are many.
    rows : int
        Rows that were summed.
    trained_rows : int or None
        Rows that the model was trained on, if it says so.
    spread : float
        Of y: the smaller of sd(y) and IQR(y)/1.349, sd(y) where the IQR is 0. A constant y has |ȳ| instead.
    off, rounding : float
        √ of the excess loss a unit of weight, in units of y: what predictions are off by in the root mean square, and
        what rounding of the true coefficients to doubles may account for.
    asked : float
        Digits that count as right.
    moved : float or None
        The most that δ changes a prediction, in units of `spread`; None where too little is left to need a look.
    space : str
        What the coefficients belong to, if not to the table's own columns.
    source, target, objective : str
        Where they were summed, what they predict, and what is least at the true ones.
    """

    names: tuple[str, ...]
    w: Array
    b: float
    predicting_b: float | None
    true_w: Array
    true_b: float
    distance: Array
    distance_at_center: float
    digits: dict[str, float]
    intercept_digits: float | None
    intercept_distance: float
    scaled_by_y: tuple[str, ...]
    gradient_norm: float
    excess_loss: float
    loss: float
    equations: tuple[str, ...]
    min_norm_digits: dict[str, float] | None
    rows: int
    spread: float
    off: float
    rounding: float
    trained_rows: int | None = None
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
    def effect(self) -> float:
        """What predictions are off by, in units of `spread`: at most, or else in the root mean square."""
        mean = self.off / self.spread if self.spread > 0 else inf if self.off else 0.0
        return max(self.moved or 0.0, mean)

    @property
    def allowed(self) -> float:
        """What predictions may be off by, in units of `spread`: 1e-6, or more where fewer than 6 digits are asked."""
        return max(EFFECT, float(10.0**-self.asked))

    @property
    def passed(self) -> bool:
        """Whether predictions are right, and so are all digits asked for, or else the intercept.

        Predictions are right if they are off by `allowed` at most, or by no more than rounding of right coefficients.
        """
        if self.worst >= self.asked:
            right = self.effect <= self.allowed or self.off <= self.rounding
            return right and not (self.predicting_b is not None and self._intercept_wrong)
        return self.moved is not None and self.effect <= EFFECT and not self._intercept_wrong

    @property
    def _intercept_wrong(self) -> bool:
        """Whether the intercept has no right digit or contradicts the predictions, and that is more than rounding."""
        odd = self.intercept_digits == 0.0 or self.predicting_b is not None
        return odd and abs(self.intercept_distance) > EFFECT * self.spread

    @property
    def undecided(self) -> bool:
        """Whether only a pass over the rows tells how far predictions are off: `moved`."""
        most = self.off * sqrt(self.rows)  # of a row of mean weight
        return self.worst < self.asked or (most > EFFECT * self.spread and self.off > self.rounding)

    @property
    def table(self) -> Any:
        """Claimed and true coefficients and digits right, a row a coefficient, as a pandas DataFrame."""
        from regress.sources.frames import to_frame

        return to_frame(self.lines(), ["name", "claimed", "true", "digits"], index="name")

    def summary(self) -> str:
        """Return the certificate as text for people: claimed beside true coefficients, and the verdict."""
        head = ["", "claimed", "true", "digits right"]
        rows = [[name, *(f"{v:.17g}" for v in (claimed, true)), f"{d:.1f}"] for name, claimed, true, d in self.lines()]
        figures = f"‖∇L‖ {self.gradient_norm:.3g}; loss {self.excess_loss:.3g} above its minimum {self.loss:.10g}"
        verdict = f"{'Certified' if self.passed else 'Not certified'}: {self.reason}"
        lines = ["", *aligned(head, rows), "", figures, *self.notes, *self._dependent(), verdict]
        return paragraph([f"Exact sums over {self.rows:,} rows{', ' * bool(self.space)}{self.space}", *lines])

    def _dependent(self) -> list[str]:
        if self.min_norm_digits is None:
            return []
        return [
            f"Columns depend on each other ({'; '.join(self.equations[:5])}): digits are counted to the nearest of "
            f"many minimizers; to the one of least ‖w‖ they are {min(self.min_norm_digits.values()):.1f}."
        ]

    @property
    def reason(self) -> str:
        """Why the claim passes or not."""
        worst = f"the worst coefficient has {self.worst:.1f} correct digits"
        asked = f"{self.asked:g} were required"
        size = f"{self.effect:.2g} of the spread of y"
        off = f"off by {size}" if self.moved is None else f"off by up to {size}"
        if self.worst >= self.asked:
            if self._intercept_wrong:
                return "the intercept contradicts the predictions."
            most = f"predictions are {off}; {self.allowed:g} is allowed"
            return f"{worst}; {asked}." if self.passed else f"{most}. {worst.capitalize()}."
        if self.passed:
            return f"{worst}, but predictions are {off} only; {EFFECT:g} is allowed."
        return f"{worst}; {asked}. Predictions are {off}." + self._intercept_wrong * " The intercept is wrong."

    @property
    def notes(self) -> list[str]:
        """What a careful reader should know, in sentences."""
        said = []
        if self.predicting_b is not None:
            said.append(f"The intercept is given as {self.b!r}, but the model predicts with {self.predicting_b!r}.")
        if self.trained_rows not in (None, self.rows):
            said.append(f"The model was trained on {self.trained_rows:,} rows; these are {self.rows:,}.")
        if self.scaled_by_y:
            shown = ", ".join([*self.scaled_by_y[:5], *["…"] * (len(self.scaled_by_y) > 5)])
            said.append(f"Measured against y's scale, as they are zero but for rounding: {shown}.")
        return said

    def lines(self) -> list[tuple[str, float, float, float]]:
        """Return (name, claimed, true, digits) for the intercept, if any, and every column."""
        first = [] if self.intercept_digits is None else [("(intercept)", self.b, self.true_b, self.intercept_digits)]
        columns = self.w.tolist(), self.true_w.tolist(), self.digits.values()
        return first + list(zip(self.names, *columns, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        claimed, true = (dict(zip(self.names, v.tolist(), strict=True)) for v in (self.w, self.true_w))
        figures = "passed asked gradient_norm excess_loss loss moved spread min_norm_digits space trained_rows notes"
        return {name: getattr(self, name) for name in figures.split()} | {
            "digits": {"coef": self.digits, "intercept": self.intercept_digits},
            "coef": claimed,
            "intercept": self.b,
            "predicting_intercept": self.predicting_b,
            "true_coef": true,
            "true_intercept": self.true_b,
            "scaled_by_y": list(self.scaled_by_y),
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
        Where the loss that was minimized is least.
    names : sequence of str
        The columns.
    w, center, b_center, b : array of shape (n,), array of shape (n,), float, float
        The claim.
    """
    equations, dependence = minimum.equations, minimum.dependence
    implied, differs = implied_intercept(w, center, b_center), contradicts(b, w, center, b_center)
    claim = [Fraction(v) for v in w.tolist()]
    apart = [v - true for v, true in zip(claim, minimum.exact, strict=True)]
    many = bool(dependence.relations) and not equations.alpha and not dependence.drop
    distance = dependence.least_norm(dependence.effective(apart)) if many else apart
    nearest = [v - d for v, d in zip(claim, distance, strict=True)]
    at_center = sum(v * Fraction(c) for v, c in zip(nearest, center.tolist(), strict=True))
    true_b, level = Fraction(0), Fraction(0)
    if equations.fit_intercept:
        true_b, level = -equations.level(nearest, Fraction(0)), equations.level(claim, implied)
    off_b = max((v - true_b for v in ((Fraction(b), implied) if differs else (Fraction(b),))), key=abs)
    excess = equations.square(equations.whole(distance)) + equations.weight * level**2
    pull = equations.pull(equations.whole(claim))
    gradient = 2 * np.array(fractions(pull, equations.pull_exponent), dtype=object) / equations.factor
    left_out = [r.column for r in dependence.relations if dependence.drop]

    weight = float(equations.weight)
    true_w, off, to_least = nearest_doubles(nearest), nearest_doubles(distance), nearest_doubles(apart)
    slope = nearest_doubles(np.delete(gradient, left_out))
    of_b = nearest_doubles([off_b, true_b, implied, level, Fraction(b_center) - true_b - at_center, excess])
    size, rms = root(equations.uncentered_square), root(excess / equations.weight)
    norm, target_norm = equations.plain.norms[:-1], float(equations.plain.norms[-1]) or size  # a constant y
    with np.errstate(over="ignore"):
        rounding = 2.0**-53 * _ROUNDINGS * (float(np.abs(true_w) @ equations.norms[:-1]) + size) / weight**0.5
    digits, by_scale = count_digits(off, true_w, norm, target_norm)
    digits_to_least = digits_right(to_least, minimum.w, norm, target_norm)
    digits_of_b, b_by_scale = count_digits(of_b[:1], of_b[1:2], np.array([weight**0.5]), size)
    shown = [("(intercept)", equations.fit_intercept and b_by_scale[0]), *zip(names, by_scale, strict=True)]
    return Certificate(
        names=tuple(names),
        w=w,
        b=b,
        predicting_b=float(of_b[2]) if differs else None,
        true_w=true_w,
        true_b=float(of_b[1]),
        distance=off,
        distance_at_center=float(of_b[4]),
        digits=dict(zip(names, digits.tolist(), strict=True)),
        intercept_digits=float(digits_of_b[0]) if equations.fit_intercept else None,
        intercept_distance=float(of_b[0]) if equations.fit_intercept else 0.0,
        scaled_by_y=tuple(name for name, by in shown if by),
        gradient_norm=hypot(*slope.tolist(), 2.0 * weight * float(of_b[3])),
        excess_loss=float(of_b[5]),
        loss=max(rounded(minimum.least), 0.0),
        equations=tuple(r.text(names) for r in dependence.relations),
        min_norm_digits=dict(zip(names, digits_to_least.tolist(), strict=True)) if many else None,
        rows=equations.rows,
        spread=target_norm / weight**0.5,
        off=rms,
        rounding=rounding,
    )
