"""The certificate: the number of correct digits of any coefficients, from the exact gradient at them.

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
from regress.numerics.integers import fractions, nearest_doubles, root
from regress.numerics.whole_sum import contradicts, implied_intercept
from regress.solvers.exact.refinement import Minimum

_ROUNDINGS = 4  # half units of the last place of each coefficient, that predictions may be off by in any case


def certificate(
    minimum: Minimum, names: Sequence[str], w: Array, center: Array, *, b_center: float, b: float
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
    implied = implied_intercept(w, center, b_center)
    differs = contradicts(b, implied, w, center, b_center)
    claim = [Fraction(v) for v in w.tolist()]
    apart = [v - true for v, true in zip(claim, minimum.exact, strict=True)]
    many = bool(dependence.relations) and not equations.alpha and not dependence.drop
    distance = dependence.least_norm(dependence.effective(apart)) if many else apart
    nearest = [v - d for v, d in zip(claim, distance, strict=True)]
    at_center = sum(v * Fraction(c) for v, c in zip(nearest, center.tolist(), strict=True))
    left_out = [r.column for r in dependence.relations if dependence.drop]
    true_b, level, norms = Fraction(0), Fraction(0), equations.plain.norms
    if equations.fit_intercept:
        true_b, level = -equations.level(nearest, Fraction(0)), equations.level(claim, implied)
    off_b = max(Fraction(b) - true_b, (implied - true_b) * differs, key=abs)
    excess = equations.square(equations.whole(distance)) + equations.weight * level**2
    pull = equations.pull(equations.whole(claim))
    gradient = 2 * np.array(fractions(pull, equations.pull_exponent), dtype=object) / equations.factor
    sums = (off_b, true_b, implied, Fraction(b_center) - true_b - at_center, level, excess, minimum.least)

    # rounded once each
    weight, least_w = float(equations.weight), minimum.w
    distance_b, shown_b, given_b, distance_at_center, mean_error, excess_loss, loss = nearest_doubles(sums).tolist()
    true_w, off, to_least = nearest_doubles(nearest), nearest_doubles(distance), nearest_doubles(apart)
    slope = nearest_doubles(np.delete(gradient, left_out))
    size, rms = root(equations.uncentered_square), root(excess / equations.weight)
    norm, target_norm = norms[:-1], float(norms[-1]) or size  # a constant y
    with np.errstate(over="ignore"):
        rounding = 2.0**-53 * _ROUNDINGS * (float(np.abs(true_w) @ equations.norms[:-1]) + size) / weight**0.5
    digits, by_scale = count_digits(off, true_w, norm, target_norm)
    digits_to_least = digits_right(to_least, least_w, norm, target_norm)
    of_b = np.array([distance_b]), np.array([shown_b]), np.array([weight**0.5])
    digits_of_b, b_by_scale = count_digits(*of_b, size)
    shown = [("(intercept)", equations.fit_intercept and b_by_scale[0]), *zip(names, by_scale, strict=True)]
    return Certificate(
        names=tuple(names),
        w=w,
        b=b,
        predicting_b=given_b if differs else None,
        true_w=true_w,
        true_b=shown_b,
        distance=off,
        distance_at_center=distance_at_center,
        digits=dict(zip(names, digits.tolist(), strict=True)),
        intercept_digits=float(digits_of_b[0]) if equations.fit_intercept else None,
        intercept_distance=distance_b if equations.fit_intercept else 0.0,
        scaled_by_y=tuple(name for name, by in shown if by),
        gradient_norm=hypot(*slope.tolist(), 2.0 * weight * mean_error),
        excess_loss=excess_loss,
        loss=max(loss, 0.0),
        equations=tuple(r.text(names) for r in dependence.relations),
        min_norm_digits=dict(zip(names, digits_to_least.tolist(), strict=True)) if many else None,
        rows=equations.rows,
        spread=target_norm / weight**0.5,
        off=rms,
        rounding=rounding,
    )
