"""The normal equations (G + αI)w = c in integers, centered once from exact totals.

w is held in integers too, to at least 256 bits behind the point. At such a w the gradient −2(c − (G + α)w), the loss
and distances between two w are exact.
"""

from collections.abc import Sequence
from copy import copy
from fractions import Fraction
from functools import cached_property
from math import gcd

import numpy as np

from regress.aggregates.totals import Totals
from regress.blocks import Array
from regress.numerics.integers import Exponents, Integers, aligned, floors, fractions, roots

PLACES = 256  # bits of a scaled coefficient behind the point, unless one is too small for them


class NormalEquations:
    """G, c and s of one target: entry (i, j) of [G c; cᵀ s] is ``matrix[i, j] · 2^(unit[i] + unit[j]) / factor``.

    Coefficients are held as integers ω with wⱼ = ωⱼ · 2^exponent[j], `places` bits behind the point of a
    coefficient that alone would explain the target.

    Parameters
    ----------
    totals : Totals
        Of one, n columns and `targets` targets, in this order.
    targets, target : int
        The number of targets, and the index of the one to explain.
    alpha : float
        Ridge penalty.
    fit_intercept : bool
        Whether b is fitted: then the columns are centered.
    columns : sequence of int, optional
        Columns to take; all n unless given.
    """

    def __init__(
        self,
        totals: Totals,
        targets: int,
        target: int,
        alpha: float,
        fit_intercept: bool,
        *,
        columns: Sequence[int] | None = None,
    ) -> None:
        self._origin = totals, targets, target, alpha, fit_intercept
        n = len(totals.unit) - 1 - targets
        self.columns = range(n) if columns is None else columns
        kept = [*(1 + j for j in self.columns), 1 + n + target]
        self.n, self.rows, self.fit_intercept = len(kept) - 1, totals.rows, fit_intercept
        self.weight = totals.first[0]
        value, self.unit, factor = totals.value[np.ix_(kept, kept)], totals.unit[kept], totals.divisor
        self.uncentered_square = totals.fraction(kept[-1], kept[-1])  # Σa y²
        rounding = totals.rounding[kept]
        # at least as many columns as rows depend on each other anyway: only what is exactly dependent counts
        self.ulps, self.target_ulps = rounding[:-1] * (totals.rows > n), float(rounding[-1])
        self.means = [totals.first[j] / self.weight for j in kept]
        first: Integers = totals.value[0, kept]
        if fit_intercept:  # Σa · Σa z zᵀ − Σa z · Σa zᵀ: centered once, in integers
            value = totals.value[0, 0] * value - np.outer(first, first)
            factor *= int(totals.value[0, 0])
        if totals.divisor > 1:  # powers of five, of which most are in all of them
            common = gcd(factor, *value.ravel().tolist())
            value, factor = value // common, factor // common
        half = factor.bit_length() // 2  # Σa has as many bits as its unit is fine: more than a double holds
        self.first, self.first_unit = first, self.unit + totals.unit[0]  # Σa z
        self.first_weight = self.weight * totals.divisor  # Σa in the same units
        self.matrix, self.unit = value, self.unit - half
        self.factor = Fraction(factor, 1 << 2 * half)
        if alpha:
            self._add_penalty(alpha)
        self.places = max(PLACES, int(self.half_bits[-1]) - self._top)  # so that c has no bits beyond them

    def take(self, columns: Sequence[int], alpha: float | None = None) -> "NormalEquations":
        """Return the equations of some of the columns only, perhaps with another penalty."""
        totals, targets, target, own, fit_intercept = self._origin
        alpha = own if alpha is None else alpha
        if alpha == own and list(columns) == list(range(self.n)):
            return self
        chosen = [self.columns[j] for j in columns]
        return NormalEquations(totals, targets, target, alpha, fit_intercept, columns=chosen)

    @property
    def plain(self) -> "NormalEquations":
        """The equations without the penalty."""
        return self.take(range(self.n), alpha=0.0)

    def finer(self, places: int) -> "NormalEquations":
        """Return the same equations with `places` bits of a scaled coefficient behind the point."""
        other = copy(self)
        other.places = places
        for name in ("exponent", "_columns", "pull_exponent", "_squares"):
            other.__dict__.pop(name, None)
        return other

    @property
    def alpha(self) -> float:
        """The ridge penalty."""
        return self._origin[3]

    def _add_penalty(self, alpha: float) -> None:
        numerator, denominator = (Fraction(alpha) * self.factor).as_integer_ratio()
        exponent = [1 - denominator.bit_length() - 2 * int(u) for u in self.unit[:-1]]
        lift = max(0, -min(exponent, default=0))
        self.matrix = self.matrix << lift
        for j, e in enumerate(exponent):
            self.matrix[j, j] += numerator << (e + lift)
        self.factor *= 2**lift

    @cached_property
    def half_bits(self) -> Integers:
        """Exponents h of the scales of the columns, and last of the target: matrix[j, j] is about 2^(2h[j])."""
        return np.array([int(d).bit_length() // 2 for d in np.diagonal(self.matrix)], dtype=object)

    @cached_property
    def exponent(self) -> list[int]:
        """The exponents of the units of ω."""
        s = self._scales
        return [s[-1] - s[j] - self.places for j in range(self.n)]

    @cached_property
    def _scales(self) -> list[int]:
        return [int(h + u) for h, u in zip(self.half_bits, self.unit, strict=True)]

    @cached_property
    def _top(self) -> int:
        return int(max(self.half_bits[: self.n], default=0))

    @cached_property
    def _columns(self) -> tuple[Integers, Integers]:
        h, n = self.half_bits, self.n
        shift, cross = self.places + self._top - int(h[n]), self.matrix[:n, n]
        return self.matrix[:n, :n] << (self._top - h[:n]), aligned(cross, [shift] * n)

    def whole(self, w: Sequence[Fraction]) -> Integers:
        """Return ω of coefficients, rounded down at the last place."""
        return floors(w, self.exponent)

    def places_for(self, w: Sequence[Fraction]) -> list[int]:
        """Return how many places each coefficient takes, so that it has as many bits as one near its scale."""
        sizes = [
            v.numerator.bit_length() - v.denominator.bit_length() - self._scales[-1] + scale
            for v, scale in zip(w, self._scales, strict=False)
        ]
        return [self.places + max(-size, 0) if v else self.places for v, size in zip(w, sizes, strict=True)]

    def fractions(self, omega: Integers) -> list[Fraction]:
        """Return the coefficients that ω stands for."""
        return fractions(omega, self.exponent)

    def pull(self, omega: Integers) -> Integers:
        """Return c − (G + α)w = −∇L/2 in units of 2^pull_exponent / factor."""
        columns, right = self._columns
        return np.asarray(right - columns @ omega)

    @cached_property
    def pull_exponent(self) -> list[int]:
        """The exponents of the units of a pull."""
        return [self._scales[-1] - self._top - self.places + int(u) for u in self.unit[: self.n]]

    def square(self, omega: Integers) -> Fraction:
        """Return wᵀ(G + α)w: for a difference of coefficients, what it adds to the minimum of L."""
        columns, _ = self._columns
        return self._inner(omega, columns @ omega) * self._squares[1]

    def loss(self, omega: Integers) -> Fraction:
        """Return s − 2cᵀw + wᵀ(G + α)w, the full quadratic with b at its best: never negative."""
        (columns, right), (square, unit) = self._columns, self._squares
        return square + self._inner(omega, columns @ omega - 2 * right) * unit

    def _inner(self, omega: Integers, pull: Integers) -> int:
        return int((omega * pull << (self._top - self.half_bits[: self.n])).sum())

    @cached_property
    def _squares(self) -> tuple[Fraction, Fraction]:
        """Return s, and the unit of `_inner`."""
        exponents = 2 * self.unit[self.n], 2 * (self._scales[-1] - self.places - self._top)
        square, unit = fractions([self.matrix[self.n, self.n], 1], exponents)
        return square / self.factor, unit / self.factor

    def level(self, w: Sequence[Fraction], b: Fraction) -> Fraction:
        """Return the mean of ŷ − y for given coefficients and intercept."""
        return b + sum(v * m for v, m in zip(w, self.means, strict=False)) - self.means[-1]

    @cached_property
    def norms(self) -> Array:
        """√ of the diagonal of [G + α, s]: norms of the columns (n,), and last of the target."""
        return roots(np.diagonal(self.matrix), self.unit.tolist(), self.factor)

    def scaled_gram(self, bits: int) -> Integers:
        """Return G + α with columns scaled by 2^(−h[j]), to a diagonal of ½ to 2, in units of 2^(−bits)."""
        h = self.half_bits[: self.n]
        return np.asarray((self.matrix[: self.n, : self.n] << bits) >> (h[:, None] + h))

    @cached_property
    def double_gram(self) -> Array:
        """`scaled_gram`, each number rounded to float64."""
        return np.asarray(self.scaled_gram(64).astype(np.float64) * 2.0**-64)

    @cached_property
    def column_exponent(self) -> Exponents:
        """Return e with the scales 2^e / √factor that `scaled_gram` divides by; 0 for a column of zeros."""
        zero = np.diagonal(self.matrix)[: self.n] == 0
        return np.where(zero, 0, np.array(self._scales[: self.n], dtype=np.int64))
