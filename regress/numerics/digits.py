"""The number of correct digits of a coefficient, given its error."""

import numpy as np

from regress.blocks import Array, Mask

MOST_DIGITS = 15.95


def count_digits(distance: Array, true: Array, norm: Array, target_norm: float) -> tuple[Array, Mask]:
    """Return min(15.95, −log₁₀(|δⱼ|/|wⱼ|)), at least 0, for each coefficient (n,), and which are measured otherwise.

    A true |wⱼ|‖xⱼ‖ below 2^-52‖y − ȳ‖ is zero except for rounding. Then δⱼ is measured against ‖y − ȳ‖/‖xⱼ‖, unless all
    digits are correct.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        floor = np.where(norm > 0, target_norm / norm, np.inf)
        digits, of_scale = (_digits(distance, size) for size in (np.abs(true), floor))
        by_scale = (np.abs(true) < 2.0**-52 * floor) & (digits < MOST_DIGITS)
    return np.where(by_scale, of_scale, digits), by_scale


def _digits(distance: Array, size: Array) -> Array:
    digits = -np.log10(np.abs(distance) / size)
    return np.where(distance == 0, MOST_DIGITS, np.clip(np.nan_to_num(digits), 0.0, MOST_DIGITS) + 0.0)


def digits_right(distance: Array, true: Array, norm: Array, target_norm: float) -> Array:
    """Return the correct digits of each coefficient (n,): see `count_digits`."""
    return count_digits(distance, true, norm, target_norm)[0]


def digits_at_least(bound: Array, w: Array, norm: Array, target_norm: float) -> Array:
    """Return the digits that coefficients (n,) have if their error is at most `bound`: |w*| ≥ |w| − bound."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        floor = np.where(norm > 0, target_norm / norm, np.inf)
        true = np.maximum(np.abs(w) - bound, 2.0**-52 * floor)
        true = np.where(np.abs(w) + bound < 2.0**-52 * floor, 0.0, true)  # a zero but for rounding, in any case
    return digits_right(bound, true, norm, target_norm)
