"""Numbers and names as a page shows them: each number is written for people, and stored with all of its digits."""

import re
from math import floor, isfinite, log10

from markupsafe import Markup

from regress.messages import shortened, visible
from regress.report.decimals import probabilities, share

_LONG, _SHORT = 120, 40  # letters above which a name is cut in a table, and in a sentence
_NONE = Markup('<span class="none">–</span>')


def figure(value: float | None, form: str = ".6g") -> Markup:
    """Write a rounded number for people, and all of its digits for machines; a dash for a missing one."""
    if value is None or not isfinite(value):
        return _NONE
    return shown(value, str(value) if isinstance(value, int) else f"{value:{form}}")


def shown(value: float | None, text: str) -> Markup:
    """Return a number as it is written for people, and with all of its digits for machines; a dash for a missing one.

    Up to three blanks behind the text, which align decimal points, become room for as many digits.
    """
    if value is None or not isfinite(value):
        return _NONE
    digits, exponent, power = text.rstrip().partition("e")
    whole, point, decimals = digits.partition(".")
    whole, power = re.sub(r"(?<=\d)(?=(\d{3})+$)", ",", whole), re.sub(r"^\+?(-?)0*", r"\1", power)
    written = (whole + point + decimals + exponent + power).replace("-", "−")
    blanks = len(text) - len(text.rstrip())
    room = Markup(' class="{}{}"').format("pad" if point else "point", blanks) if blanks else ""
    return Markup('<data value="{}"{}>{}</data>').format(repr(value), room, written)


def small(value: float | None, least: float, form: str) -> Markup:
    """Write a number, or that it is below the least that matters."""
    return figure(value, form) if value is None or value >= least else shown(value, f"<{least:g}")


def significant(value: float | None, digits: int) -> Markup:
    """Write a number to so many significant digits, without an exponent unless it is very large or small."""
    if not value or not isfinite(value) or not 1e-5 <= abs(value) < 1e12:
        return figure(value, f".{digits}g")
    return figure(value, f".{max(digits - 1 - floor(log10(abs(value))), 0)}f")


def p_value(value: float | None) -> Markup:
    """Write a p-value with four decimals, or that it is smaller."""
    return figure(None) if value is None else shown(value, *probabilities([value]))


def share_of(value: float | None) -> Markup:
    """Write R²."""
    return figure(None) if value is None else shown(value, share(value))


def name_of(name: str) -> str:
    """Return a name without the middle of a very long one, so that the page stays small."""
    return shortened(visible(name), _LONG)


def short_name(name: str) -> str:
    """Return a name as it fits in a sentence."""
    return shortened(visible(name), _SHORT)
