"""Moments: one pass over the rows collects all that least squares needs.

For columns X (m, n), targets Y (m, k) and row weights a (m,) these are W = Σa, the weighted means, and the centered
co-moments:

    Σ a (x − x̄)(x − x̄)ᵀ,  Σ a (x − x̄)(y − ȳ),  Σ a (y − ȳ)²

They merge (Chan, Golub, LeVeque 1983), so threads, files and folds all reduce the same way.

They are held about a shift c near the mean, which keeps the digits of x̄ on a column at 1e9 ± 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.design.columns import Columns, Selection, as_selection, places, taken, union
from regress.numerics.error_free import two_sum


class Shift(NamedTuple):
    """What is subtracted from every row before anything is summed: x (n,), y (k,)."""

    x: Array
    y: Array


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sufficient statistics of a table. Means are relative to the shift: x̄ = shift.x + mean_x.

    Attributes
    ----------
    rows : int
        Rows counted.
    weight : float
        Σa; equals `rows` without weights.
    shift : Shift
        The shift c of each column.
    mean_x, mean_y : arrays of shape (n,), (k,)
        x̄ − c and ȳ − c.
    xx, xy, yy : arrays of shape (n, n), (n, k), (k,)
        Σa(x − x̄)(x − x̄)ᵀ, Σa(x − x̄)(y − ȳ), Σa(y − ȳ)².
    columns : tuple of str, optional
        Names of the columns x; None where rows came without.
    """

    rows: int
    weight: float
    shift: Shift
    mean_x: Array
    mean_y: Array
    xx: Array
    xy: Array
    yy: Array
    columns: Columns = None

    @property
    def center(self) -> Array:
        """x̄ (n,), rounded to float64."""
        return self.shift.x + self.mean_x

    @property
    def target_center(self) -> Array:
        """ȳ (k,), rounded to float64."""
        return self.shift.y + self.mean_y

    def select(self, names: Sequence[str] | Selection) -> "Moments":
        """Return the moments of the columns of these names, in this order; a column that no row had is zero.

        Those of a selection that are sums of others are added up.
        """
        selection = as_selection(names)
        if self.columns is None or self.columns == selection.names:
            return self
        at = places(self.columns, selection.collected)
        shift, mean, xy = (taken(part, at) for part in (self.shift.x, self.mean_x, self.xy))
        xx = np.pad(self.xx, (0, 1))[np.ix_(at, at)]
        if selection.sums:
            T = np.zeros((len(selection.names), len(at)))
            for row, of_one in zip(T, selection.parts(), strict=True):
                for j, factor in of_one:
                    row[j] = factor
            first = shift[[of_one[0][0] for of_one in selection.parts()]]  # a shift is no sum, which would be rounded
            mean, shift = T @ mean + (T @ shift - first), first
            xx, xy = T @ xx @ T.T, T @ xy
        columns = selection.names
        return replace(self, shift=Shift(shift, self.shift.y), mean_x=mean, xx=xx, xy=xy, columns=columns)

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of rows; shifts and columns may differ."""
        columns = union(self.columns, other.columns)
        if columns is not None and not self.columns == other.columns == columns:
            return self.select(columns).merge(other.select(columns))
        weight = self.weight + other.weight
        part = other.weight / weight
        dx = _distance(self.shift.x, self.mean_x, other.shift.x, other.mean_x)
        dy = _distance(self.shift.y, self.mean_y, other.shift.y, other.mean_y)
        t = np.sqrt(self.weight * part)
        return Moments(
            rows=self.rows + other.rows,
            weight=weight,
            shift=self.shift,
            mean_x=self.mean_x + part * dx,
            mean_y=self.mean_y + part * dy,
            xx=self.xx + other.xx + np.outer(t * dx, t * dx),
            xy=self.xy + other.xy + np.outer(t * dx, t * dy),
            yy=self.yy + other.yy + (t * dy) ** 2,
            columns=columns,
        )

    def finite(self) -> bool:
        """Tell whether every sum is finite, which a single NaN, infinity or overflow prevents."""
        return bool(np.isfinite(self.xx).all() and np.isfinite(self.xy).all() and np.isfinite(self.yy).all())


def _distance(shift_a: Array, mean_a: Array, shift_b: Array, mean_b: Array) -> Array:
    """(shift_b + mean_b) − (shift_a + mean_a), the large parts taken as an exact pair."""
    high, low = two_sum(shift_b, -shift_a)
    return high + (low + (mean_b - mean_a))
