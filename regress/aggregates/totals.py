"""Sums held as integers of any length, by column."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from regress.aggregates.moments import Moments, Shift
from regress.blocks import Array, Mask
from regress.design.columns import Selection, as_selection, places
from regress.numerics.integers import Exponents, Integers, fractions, ratio, root


@dataclass(frozen=True, eq=False)
class Totals:
    """Σ a z zᵀ over rows z = [1, x, y]: entry (i, j) is ``value[i, j] · 2^(unit[i] + unit[j]) / divisor``.

    Attributes
    ----------
    value : array of Python integers of shape (p, p)
        Symmetric.
    unit : array of integers of shape (p,)
        Exponents of the columns' units.
    noise : array of fractions of shape (p,)
        Σ a ulp(z)² by column, for ulp(z) the distance of z from the next float64 number, and 0 for 0.
    whole : array of bool of shape (p,)
        Whether all values of the column are integers below 2^53.
    rows : int
        Rows counted.
    targets : int
        Columns y.
    columns : tuple of str or None
        Names of the columns x; None where blocks had none.
    divisor : int
        1, except for numbers as written with decimals.
    """

    value: Integers
    unit: Exponents
    noise: Integers
    whole: Mask
    rows: int
    targets: int = 1
    columns: tuple[str, ...] | None = None
    divisor: int = 1

    @classmethod
    def of(cls, value: Integers) -> "Totals":
        """Return integers as totals of one target, free of rounding."""
        p = len(value)
        none: Integers = np.full(p, Fraction(0), dtype=object)
        return cls(value, np.zeros(p, dtype=np.int64), none, np.ones(p, dtype=bool), rows=0)

    @cached_property
    def first(self) -> list[Fraction]:
        """Σ a z by column, Σa first."""
        return [total / self.divisor for total in fractions(self.value[0], (self.unit[0] + self.unit).tolist())]

    @cached_property
    def ulps(self) -> Array:
        """√Σ a ulp(z)² by column, rounded once."""
        return np.array([root(noise) for noise in self.noise])

    @property
    def rounding(self) -> Array:
        """√Σ a ulp(z)² by column, and zero for integers: the error that rounding of the stored values may hide."""
        return np.where(self.whole, 0.0, self.ulps)

    def select(self, names: Sequence[str] | Selection) -> "Totals":
        """Return the totals of [1, x, y] for the columns x of these names, in this order.

        A name that no row had is a column of zeros. Columns without names stay as they are. Those of a selection that
        are sums of others are added up.

        Examples
        --------
        >>> import numpy as np
        >>> from regress.aggregates.exact_sums import exact_totals
        >>> from regress.blocks import Block
        >>> block = Block(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0], [6.0]]), columns=("a", "b"))
        >>> totals = exact_totals([block]).select(["b", "c"])
        >>> totals.columns, float(totals.fraction(0, 1)), float(totals.fraction(0, 2))
        (('b', 'c'), 6.0, 0.0)
        """
        selection = as_selection(names)
        if self.columns is None or (self.columns == selection.names and not selection.products):
            return self
        p, collected = len(self.unit), selection.collected
        x = (1 + j if j < len(self.columns) else p for j in places(self.columns, collected))
        chosen = _with_zeros(self).take([0, *x, *range(p - self.targets, p)])
        if selection.sums:
            chosen = chosen.added_up([[(0, 1)], *selection.parts(1), *([(j, 1)] for j in range(-self.targets, 0))])
        exact = [False, *(name in selection.products for name in selection.names), *[False] * self.targets]
        return replace(chosen, columns=selection.names, whole=chosen.whole | np.array(exact))

    def added_up(self, parts: Sequence[Sequence[tuple[int, int]]]) -> "Totals":
        """Return the totals of columns that are sums of these, each of some of them with integer factors."""
        q, p = len(parts), len(self.unit)
        unit = np.array([min(self.unit[j] for j, _ in of_one) for of_one in parts])
        factors: Integers = np.zeros((q, p), dtype=object)
        for i, of_one in enumerate(parts):
            for j, factor in of_one:
                factors[i, j] = factor << int(self.unit[j] - unit[i])
        return replace(
            self,
            value=factors @ self.value @ factors.T,
            unit=unit,
            noise=np.array([sum((self.noise[j] for j, _ in of_one), Fraction(0)) for of_one in parts], dtype=object),
            whole=np.array([all(self.whole[j] for j, _ in of_one) for of_one in parts]),
            columns=None,
        )

    def take(self, order: Sequence[int]) -> "Totals":
        """Return the totals of some entries of [1, x, y], the targets last; x has no names then."""
        return replace(
            self,
            value=self.value[np.ix_(order, order)],
            unit=self.unit[order],
            noise=self.noise[order],
            whole=self.whole[order],
            columns=None,
        )

    def fraction(self, i: int, j: int) -> Fraction:
        """Return one entry."""
        return Fraction(int(self.value[i, j]), self.divisor) * Fraction(2) ** int(self.unit[i] + self.unit[j])


def _with_zeros(totals: Totals) -> Totals:
    """Return totals with a column of zeros after the others."""
    return replace(
        totals,
        value=np.pad(totals.value, (0, 1), constant_values=np.array(0, dtype=object)),  # no int64, which overflows
        unit=np.append(totals.unit, 0),
        noise=np.pad(totals.noise, (0, 1), constant_values=np.array(Fraction(0), dtype=object)),
        whole=np.append(totals.whole, True),
    )


def moments_of(totals: Totals, targets: int) -> Moments:
    """Return the moments that float64 works on, from exact totals, each to the last bit or the one before."""
    p = len(totals.unit)
    n = p - 1 - targets
    weight = totals.first[0]
    means = [total / weight for total in totals.first[1:]]
    shift = np.array([float(m) for m in means])
    rest = np.array([float(m - Fraction(s)) for m, s in zip(means, shift.tolist(), strict=True)])
    first, one = totals.value[0, 1:], int(totals.value[0, 0])
    centered, below = one * totals.value[1:, 1:] - np.outer(first, first), one * totals.divisor
    bits = np.vectorize(lambda v: int(v).bit_length(), otypes=[np.int64])(centered)
    extra = np.maximum(bits - 64, 0)
    exponent = extra + totals.unit[1:, None] + totals.unit[1:] - below.bit_length()
    with np.errstate(over="ignore"):  # reported by whoever knows the columns' names
        digits = (centered >> extra.astype(object)).astype(np.float64)
        co = np.ldexp(digits, exponent) / ratio(below, below.bit_length())
    return Moments(
        rows=totals.rows,
        weight=float(weight),
        shift=Shift(shift[:n], shift[n:]),
        mean_x=rest[:n],
        mean_y=rest[n:],
        xx=np.ascontiguousarray(co[:n, :n]),
        xy=np.ascontiguousarray(co[:n, n:]),
        yy=np.diagonal(co)[n:].copy(),
        columns=totals.columns,
    )
