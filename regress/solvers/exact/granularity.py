"""The steps to which values of columns were rounded, when they were stored or measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask

_DOUBLE, _SINGLE = 53, 24  # bits
_PLACES = 15  # at most, of decimals
_DIGITS = 9  # of the shortest decimal that is read as a number in single precision, at most
_WHOLE = 1e15  # below, k/10^d is found again from the nearest double


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The steps that values of columns (n,) are rounded to: a fixed one or, if `fixed` is NaN, the last of `bits`.

    Columns in `free` are not rounded at all.
    """

    bits: NDArray[np.int64]
    fixed: Array
    free: Mask

    @classmethod
    def of_doubles(cls, free: Mask) -> "Steps":
        """Return the steps of stored doubles."""
        return cls(np.full(len(free), _DOUBLE), np.full(len(free), np.nan), free)

    def take(self, columns: Sequence[int]) -> "Steps":
        """Return those of some columns."""
        return Steps(self.bits[columns], self.fixed[columns], self.free[columns])

    def of(self, X: Array) -> Array:
        """Return the steps of cells (m, n); for a free column, those of products with it."""
        last = np.where(X == 0.0, 0.0, np.ldexp(1.0, np.frexp(X)[1] - self.bits))
        return np.where(np.isnan(self.fixed), last, self.fixed)

    def sums(self, ulps: Array, weight: float) -> Array:
        """Return √Σ a step² by column, from that of the last bits of doubles and Σa."""
        sums = np.where(np.isnan(self.fixed), np.ldexp(ulps, _DOUBLE - self.bits), self.fixed * weight**0.5)
        return np.where(self.free, 0.0, sums)


class Grain:
    """Detects the coarsest steps of all values of a column: decimals, or numbers in single precision.

    Integers count as exact: they are years, counts and codes. A number in single precision may also be written as
    the shortest decimal that is read as one, as files have them.
    """

    def __init__(self) -> None:
        self._places, self._largest = 0, 0.0
        self._single = self._shortest = True

    def add(self, x: Array) -> None:
        """Include values (m,)."""
        self._largest = max(self._largest, float(np.abs(x).max(initial=0.0)))
        while self._places <= _PLACES and not _on_decimals(x, self._places):
            self._places += 1
        self._single = self._single and bool((_single(x) == x).all())
        self._shortest = self._shortest and _shortest(x)

    def merge(self, other: "Grain") -> None:
        """Include the values of another part. A number on some decimals is on more, as far as `decimal` counts them."""
        self._places, self._largest = max(self._places, other._places), max(self._largest, other._largest)
        self._single, self._shortest = self._single and other._single, self._shortest and other._shortest

    @property
    def decimal(self) -> float:
        """The step 10^−d of numbers with d decimals, at least one; 0 for other numbers."""
        found = 1 <= self._places <= _PLACES and self._largest * 10.0**self._places <= _WHOLE
        return 10.0**-self._places if found else 0.0

    @property
    def single(self) -> bool:
        """Whether all are in single precision."""
        return self._single or self._shortest


def steps_of(grains: Sequence[Grain], ulps: Array, free: Mask, weight: float) -> Steps:
    """Return the steps of columns: of the possible ones, those with the larger noise.

    Parameters
    ----------
    grains : sequence of Grain
        One per column.
    ulps, weight : array of shape (n,), float
        √Σ a ulp² by column, and Σa.
    free : array of bool of shape (n,)
        Integers, which were not rounded when they were stored.
    """
    steps = Steps.of_doubles(free.copy())
    for j, grain in enumerate(grains):
        single = np.ldexp(ulps[j], _DOUBLE - _SINGLE) if grain.single and not free[j] else 0.0
        if grain.decimal * weight**0.5 > single:
            steps.fixed[j] = grain.decimal
        elif single:
            steps.bits[j] = _SINGLE
    return steps


def _on_decimals(x: Array, places: int) -> bool:
    ten = 10.0**places
    return bool((np.rint(x * ten) / ten == x).all())


def _single(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(x.astype(np.float32).astype(np.float64))


def _shortest(x: Array) -> bool:
    """Return whether all values are the shortest decimals of numbers in single precision, of nine digits at most."""
    x = np.abs(x[x != 0.0])
    exponent = np.floor(np.log10(x)).astype(np.int64) - (_DIGITS - 1)
    k = np.rint(_times_ten(x, -exponent))
    if not (np.abs(_times_ten(k, exponent) - x) <= 4.0 * np.spacing(x)).all():
        return False
    grain = np.ones(len(k))  # of the last digit that is not 0
    for _ in range(_DIGITS):
        grain = np.where(k % (10.0 * grain) == 0.0, 10.0 * grain, grain)
    shorter = np.rint(k / (10.0 * grain)) * (10.0 * grain)
    return bool((_single(_times_ten(shorter, exponent)) != _single(x)).all())


def _times_ten(x: Array, exponent: NDArray[np.int64]) -> Array:
    """Return x · 10^exponent, within a few ulps."""
    ten = 10.0 ** np.abs(exponent)
    return np.where(exponent < 0, x / ten, x * ten)
