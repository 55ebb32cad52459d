"""An equation that columns satisfy, with readable numbers: those printed are those that were checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

_TERMS = 12  # of an equation worth writing out
_DIGITS = 17  # that a number is written with
_DENOMINATOR = 10**8  # of coefficients worth writing as a fraction: milliseconds a day
_HOUSEHOLD = 10  # denominators below are read more easily than decimals


@dataclass(frozen=True, slots=True)
class Relation:
    """Column `column` = constant + Σ coefficients[k] · column k; `exact` if all rows satisfy it to the last bit.

    `support` holds all columns that may take part, even if totals do not show it.
    """

    column: int
    coefficients: Mapping[int, Fraction]
    constant: Fraction
    support: tuple[int, ...]
    exact: bool = False

    def renamed(self, columns: Sequence[int]) -> "Relation":
        """Return a relation that numbers `columns` as one that numbers all columns."""
        coefficients = {columns[k]: c for k, c in self.coefficients.items()}
        support = tuple(columns[k] for k in self.support)
        return Relation(columns[self.column], coefficients, self.constant, support, self.exact)

    @property
    def largest_denominator(self) -> int:
        """Of the coefficients, without the powers of two that come from units."""
        return max((c.denominator // (c.denominator & -c.denominator) for c in self.coefficients.values()), default=1)

    @property
    def length(self) -> int:
        """The number of characters of its numbers."""
        numbers = [written(c) for c in self.coefficients.values()] + [written(self.constant, of_column=False)]
        return sum(map(len, numbers))

    def text(self, names: Sequence[str]) -> str:
        """Write the equation in the columns' names, with as few terms on the left as its signs allow."""
        if len(self.coefficients) > _TERMS:
            return f"{names[self.column]} = a combination of {len(self.coefficients)} columns"
        terms = {self.column: Fraction(1)} | {k: -c for k, c in self.coefficients.items()}
        constant = self.constant
        positive, negative = [k for k in terms if terms[k] > 0], [k for k in terms if terms[k] < 0]
        if negative and (len(negative), self.column not in negative) < (len(positive), self.column not in positive):
            terms, constant = {k: -c for k, c in terms.items()}, -constant
            positive, negative = negative, positive
        if len(positive) == 1:
            unit = terms[positive[0]]
            solved = {k: c / unit for k, c in terms.items()}
            if all(map(_short, (*solved.values(), constant / unit))):  # else rounded, and no longer what was checked
                terms, constant = solved, constant / unit
        right = [(-terms[k], names[k]) for k in sorted(negative)]
        right += [(constant, "")] if constant or not right else []
        return f"{_sum([(terms[k], names[k]) for k in sorted(positive)])} = {_sum(right)}"


def _sum(terms: list[tuple[Fraction, str]]) -> str:
    text = ""
    for value, name in terms:
        sign = ("−" if value < 0 else "") if not text else (" − " if value < 0 else " + ")
        number = written(abs(value), of_column=bool(name))
        text += sign + (name if number == "1" and name else f"{number}·{name}" if name else number)
    return text


def written(value: Fraction, of_column: bool = True) -> str:
    """Write a number as a decimal, or as a fraction if that is shorter; coefficients of columns prefer fractions."""
    digits = _digits(value)
    if 1 < value.denominator <= _DENOMINATOR:
        few = len(str(abs(value.numerator))) + len(str(value.denominator))
        if few < digits or (of_column and value.denominator < _HOUSEHOLD):
            return str(value)
    with localcontext() as context:
        context.prec = _DIGITS
        number = (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
    return f"{number:f}" if -6 <= number.adjusted() < _DIGITS else f"{number:e}"


def simplest(value: Fraction, within: Fraction, of_column: bool = True) -> Fraction | None:
    """Return zero, a fraction or a short decimal `within` reach of a number; None if there is none."""
    if abs(value) <= within:
        return Fraction(0)
    decimals = (_decimal(value, digits) for digits in range(1, _DIGITS + 1))
    decimal = next((d for d in decimals if abs(d - value) <= within), None)
    for most, chance in ((_HOUSEHOLD - 1, 0.1), (100, 1e-3), (_DENOMINATOR, 1e-3)):
        fraction = value.limit_denominator(most)
        if abs(fraction - value) <= within and 2 * within * fraction.denominator**2 <= chance:
            if decimal is None or "/" in written(fraction, of_column):
                return fraction
    return decimal


def _decimal(value: Fraction, digits: int) -> Fraction:
    """Return a number rounded to `digits` significant decimal digits."""
    if not value:
        return value
    size = abs(value)
    places = digits - (len(str(size.numerator)) - len(str(size.denominator)))
    grain = Fraction(10) ** -places
    near = round(value / grain) * grain  # with `digits` digits, or one more
    if abs(near) >= grain * 10**digits:
        near = round(value / grain / 10) * grain * 10
    return near


def _digits(value: Fraction) -> int:
    """Return the number of significant decimal digits; one more than are written, if there are more."""
    return next((n for n in range(1, _DIGITS + 1) if _decimal(value, n) == value), _DIGITS + 1)


def _short(value: Fraction) -> bool:
    """Return whether a number is written without rounding, and in few digits."""
    return _digits(value) <= _DIGITS or value.denominator < _HOUSEHOLD or value.numerator == 1
