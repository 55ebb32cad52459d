"""The certificate: how many digits of any coefficients are right, from the exact gradient at them.

At the minimum ∇L = 0, and L is quadratic: so the distance to it from any (w, b) is δ = (∇²L)⁻¹∇L. Newton steps with the
exact gradient end where none is left, to 2⁻⁷⁰ of each coefficient; from there, distance, gradient and loss at the claim
are computed without rounding.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import hypot

import numpy as np

from regress.blocks import Array
from regress.inference.certified import Certificate
from regress.numerics.digits import count_digits, digits_right
from regress.numerics.integers import fractions, nearest_doubles, power, rounded
from regress.numerics.whole_sum import contradicts, implied_intercept
from regress.solvers.exact.refinement import Minimum

_ROUNDINGS = 4  # half units of the last place of each coefficient, that predictions may be off by in any case


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
    claim = [Fraction(v) for v in w.tolist()]
    implied = implied_intercept(w, center, b_center)
    apart = [v - true for v, true in zip(claim, minimum.exact, strict=True)]
    many = bool(dependence.relations) and not equations.alpha and not dependence.drop
    distance = dependence.least_norm(dependence.effective(apart)) if many else apart
    nearest = [v - d for v, d in zip(claim, distance, strict=True)]
    true_b = -equations.level(nearest, Fraction(0)) if equations.fit_intercept else Fraction(0)
    level = equations.level(claim, implied) if equations.fit_intercept else Fraction(0)

    plain = equations.take(range(equations.n), alpha=0.0) if equations.alpha else equations
    norm, target_norm, weight = plain.norms[:-1], float(plain.norms[-1]), float(equations.weight)
    size = root(equations.uncentered_square)
    target_norm = target_norm or size  # a constant y
    true_w, off = nearest_doubles(nearest), nearest_doubles(distance)
    digits, by_scale = count_digits(off, true_w, norm, target_norm)
    to_least = digits_right(nearest_doubles(apart), minimum.w, norm, target_norm)
    differs = contradicts(b, w, center, b_center)
    off_b = max((v - true_b for v in ((Fraction(b), implied) if differs else (Fraction(b),))), key=abs)
    both = [*nearest_doubles([off_b, true_b])[:, None], np.array([weight**0.5])]
    of_b, b_by_scale = count_digits(both[0], both[1], both[2], size)
    shown = [("(intercept)", equations.fit_intercept and b_by_scale[0]), *zip(names, by_scale, strict=True)]
    left_out = [r.column for r in dependence.relations if dependence.drop]
    pull = fractions(equations.pull(equations.whole(claim)), equations.pull_exponent)
    heard = [2 * g / equations.factor for j, g in enumerate(pull) if j not in left_out]
    gradient = [*nearest_doubles(heard).tolist(), 2.0 * weight * rounded(level)]
    at_center = sum(v * Fraction(c) for v, c in zip(nearest, center.tolist(), strict=True))
    with np.errstate(over="ignore"):
        rounding = 2.0**-53 * _ROUNDINGS * (float(np.abs(true_w) @ equations.norms[:-1]) + size) / weight**0.5
    excess = equations.square(equations.whole(distance)) + equations.weight * level**2
    return Certificate(
        names=tuple(names),
        w=w,
        b=b,
        predicting_b=rounded(implied) if differs else None,
        true_w=true_w,
        true_b=rounded(true_b),
        distance=off,
        distance_at_center=rounded(Fraction(b_center) - true_b - at_center),
        digits=dict(zip(names, digits.tolist(), strict=True)),
        intercept_digits=float(of_b[0]) if equations.fit_intercept else None,
        intercept_distance=rounded(off_b) if equations.fit_intercept else 0.0,
        scaled_by_y=tuple(name for name, by in shown if by),
        gradient_norm=hypot(*gradient),
        excess_loss=rounded(excess),
        loss=max(rounded(minimum.least), 0.0),
        equations=tuple(r.text(names) for r in dependence.relations),
        min_norm_digits=dict(zip(names, to_least.tolist(), strict=True)) if many else None,
        rows=equations.rows,
        spread=target_norm / weight**0.5,
        off=root(excess / equations.weight),
        rounding=rounding,
    )


def root(value: Fraction) -> float:
    """Return √value, also where value itself is beyond the range of a double."""
    half = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return rounded(Fraction(float(value / power(2 * half)) ** 0.5) * power(half))
