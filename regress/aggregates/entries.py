"""Sums in units of 1, or of 5^−f, as equal rows have them, and whether there may be such rows."""

from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Mask
from regress.numerics.integers import Exponents
from regress.numerics.levels import BITS, Levels

_SLACK = 1e-12  # by column, above the rounding of a factorization in float64

Counts = NDArray[np.int64]


class Entries(NamedTuple):
    """Sums over rows z, column 0 of ones, in units of 5^−fives.

    Attributes
    ----------
    products : Levels
        Σ a zᵢzⱼ for i ≤ j, row by row.
    squares : Levels
        Σ a (2^52 ulp(z))² by column; 0 for columns of numbers as written, which are not rounded.
    inexact : array of integers
        How many cells of each column are no integers below 2^53; 0 for columns of numbers as written.
    fives : int or None
        f, the least possible; None if all numbers are meant as stored.
    """

    products: Levels
    squares: Levels
    inexact: Counts
    fives: int | None = None

    @property
    def zero(self) -> Mask:
        """Which columns are zero in all rows."""
        i, j = np.triu_indices(len(self.inexact))
        return ~self.products.rearranged(itemgetter(np.flatnonzero(i == j)), len(self.inexact)).nonzero()

    def coarser(self) -> "Entries | None":
        """Return the same sums in units five times as large; None if these are too large."""
        if not self.fives:
            return None
        products, squares = self.products.fifth(), self.squares.fifth()
        if products is None or squares is None:
            return None
        return Entries(products, squares, self.inexact, self.fives - 1)

    def possible(self, rows: int) -> bool:
        """Tell whether so many rows may have these sums.

        No Σa(z − z̄)² is negative. Each z² is less than four times (2^52 ulp(z))², and both are zero together, unless
        the numbers are as written. The matrix has no negative eigenvalue, up to the rounding of float64.
        """
        if not rows:
            return not (self.products.nonzero().any() or self.squares.nonzero().any() or self.inexact.any())
        i, j = np.triu_indices(len(self.inexact))
        chosen = np.concatenate([np.flatnonzero(i == 0), np.flatnonzero(i == j)])
        both, of_both = self.products.rearranged(itemgetter(chosen), len(chosen)).integers()
        steps, of_steps = self.squares.integers()
        low = min(of_both, of_steps)
        first, square = np.split(both << (of_both - low), 2)
        step = steps << (of_steps - low)
        zero = square == 0
        near = np.where(zero, step == 0, square < 4 * step)
        if self.fives is not None:
            near |= (step == 0) & (self.inexact == 0)
        return (
            self.inexact[0] == 0 <= self.inexact.min() <= self.inexact.max() <= rows
            and square[0] == step[0] > 0
            and min(*square, *step) >= 0
            and bool((square[0] * square >= first**2).all())
            and bool(near.all())
            and not self.products.nonzero()[zero[i] | zero[j]].any()
            and _positive(self.products, np.array([int(number).bit_length() + low for number in square]))
        )


def _positive(products: Levels, bits: Exponents) -> bool:
    """Tell whether a matrix with these bits on its diagonal has no negative eigenvalue, up to rounding."""
    size = len(bits)
    i, j = np.triu_indices(size)
    half = bits // 2
    with np.errstate(over="ignore", invalid="ignore"):  # far above its columns, which is impossible
        entries = sum(
            np.ldexp(digits.astype(np.float64), -BITS * level - half[i] - half[j])
            for level, digits in products.digits.items()
        )
    matrix = np.zeros((size, size))
    matrix[j, i] = entries
    diagonal = np.diagonal(matrix)
    root = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    matrix /= np.outer(root, root)
    if not (np.abs(matrix) <= 1.0 + _SLACK).all():
        return False
    matrix[np.diag_indices(size)] = 1.0 + _SLACK * size
    try:
        np.linalg.cholesky(matrix)  # which reads the lower half alone
    except np.linalg.LinAlgError:
        return False
    return True
