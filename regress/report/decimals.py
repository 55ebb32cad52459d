"""Numbers of a table column in one format: estimates rounded to their standard errors, decimal points aligned."""

from collections.abc import Sequence
from math import floor, inf, isfinite, log10

_ERROR_DIGITS = 3  # significant digits of a standard error
_DIGITS = 6  # of an estimate without one
_WIDE, _FINE = 12, 9  # digits before the point, or decimals, beyond which a column is written with exponents
_DOUBLE = 16  # significant digits that a double has


def estimates(values: Sequence[float], errors: Sequence[float]) -> list[str]:
    """Write estimates to the last digit that their standard errors show: three of the error.

    Parameters
    ----------
    values, errors : sequences of float
        NaN for a value that is not shown, and for a standard error that is not known.

    Examples
    --------
    >>> estimates([152.1335, -10.0122], [2.5759, 0.0597])
    ['152.13  ', '-10.0122']
    """
    last = [_last_place(value, error) for value, error in zip(values, errors, strict=True)]
    shown = [place for value, place in zip(values, last, strict=True) if isfinite(value)]
    largest = max((_magnitude(value) for value in values if isfinite(value)), default=0)
    if largest >= _WIDE or min(shown, default=0) < -_FINE:
        return [_scientific(value, place) for value, place in zip(values, last, strict=True)]
    texts = [
        f"{value:.{max(-place, 0)}f}" if isfinite(value) else "" for value, place in zip(values, last, strict=True)
    ]
    return align(texts)


def align(texts: Sequence[str]) -> list[str]:
    """Pad numbers on the right, so that their decimal points stand in one column when they are right-justified."""
    behind = [len(text.partition(".")[2]) + ("." in text) for text in texts]
    most = max(behind, default=0)
    return [text + " " * (most - count) if text else "" for text, count in zip(texts, behind, strict=True)]


def probabilities(values: Sequence[float]) -> list[str]:
    """Write p-values with four decimals; nothing for NaN.

    Examples
    --------
    >>> probabilities([0.03124, 3e-17])
    ['0.0312', '<0.0001']
    """
    return ["" if value != value else "<0.0001" if value < 5e-5 else f"{value:.4f}" for value in values]


def statistics(values: Sequence[float]) -> list[str]:
    """Write statistics with two decimals, or with exponents where one is large; nothing for NaN.

    Examples
    --------
    >>> statistics([59.061, -0.16765])
    ['59.06', '-0.17']
    """
    large = any(abs(value) >= 1e7 for value in values if value == value)
    return ["" if value != value else f"{value:.3g}" if large else f"{value:.2f}" for value in values]


def share(value: float) -> str:
    """Write R² with four decimals, and more where it is so near to 1 that these would be nines.

    Examples
    --------
    >>> share(0.517748), share(0.99999912)
    ('0.5177', '0.99999912')
    """
    if value != value:
        return "undefined"
    left = abs(1.0 - value)
    text = f"{value:.{min(max(4, 1 - _magnitude(left)), 15) if 0 < left < 1e-3 else 4}f}"
    return text if float(text) else text.lstrip("-")  # no minus before zeros


def _magnitude(value: float) -> int:
    """Return e with 10^e ≤ |value| < 10^(e + 1); 0 for 0."""
    return floor(log10(abs(value))) if value else 0


def _last_place(value: float, error: float) -> int:
    """Return the exponent of ten of the last digit of a value that is shown."""
    if not isfinite(value):
        return 0
    finest = _magnitude(value) - _DOUBLE
    if not value and not error > 0.0:
        return 0
    if not isfinite(error) or error <= 0.0:
        return max(_magnitude(value) - _DIGITS + 1, finest)
    return max(_magnitude(error) - _ERROR_DIGITS + 1, finest)


def _scientific(value: float, last: int) -> str:
    if value != value:
        return ""
    return f"{value:.{min(max(_magnitude(value) - last, 0), _DOUBLE)}e}" if abs(value) < inf else f"{value}"
