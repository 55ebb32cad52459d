"""Numbers as written: the integers k of decimals k/10^d, found again from their float64 values.

A cell "0.1" is one tenth, and its float64 is not. But k = rint(x · 10^d) is found from the float64 x that is nearest to
k/10^d. If k/10^d == x, it is the right one: k and 10^d are doubles for |k| ≤ 10^15 and d ≤ 22, and a division rounds
correctly. No other decimal of 15 digits has the same float64.
"""

import numpy as np

from regress.blocks import Array

MOST_PLACES = 22  # the largest power of ten that is a double
LARGEST = 1e15  # of |k|


class Places:
    """How many decimals the numbers of a column have, as they come in.

    Attributes
    ----------
    places : int
        The least d for which all numbers so far are k/10^d.

    Examples
    --------
    >>> import numpy as np
    >>> column = Places()
    >>> column.add(np.array([0.1, 2.0, 0.25])), column.places
    (None, 2)
    >>> column.add(np.array([1.0, 1.0 / 3.0])), column.places
    (1, 2)
    """

    def __init__(self, places: int = 0) -> None:
        self.places = places
        self._largest = 0.0

    def add(self, values: Array) -> int | None:
        """Include numbers (m,) other than NaN, or return the index of the first that does not fit.

        It has too many digits, alone or together with numbers before it: one is large, and one has many decimals.
        Then nothing is included.
        """
        if (found := self._with(values)) is None:
            return self._first_misfit(values)
        self.places, self._largest = found
        return None

    def _with(self, values: Array) -> tuple[int, float] | None:
        """Return the decimals and the largest number if these are included; None if they do not fit."""
        left, largest = values, max(self._largest, float(np.fmax.reduce(np.abs(values), initial=0.0)))
        for d in range(self.places, MOST_PLACES + 1):
            if largest * 10.0**d > LARGEST:
                return None
            left = _others(left, d)
            if not len(left):
                return d, largest
        return None

    def _first_misfit(self, values: Array) -> int:
        fitting, end = 0, len(values)  # so many fit, and so many do not
        while end - fitting > 1:
            middle = (fitting + end) // 2
            fitting, end = (fitting, middle) if self._with(values[:middle]) is None else (middle, end)
        return fitting


def places(values: Array, at_least: int = 0) -> int | None:
    """Return the least d ≥ `at_least` for which all values but NaN are k/10^d; None if there is none.

    Examples
    --------
    >>> import numpy as np
    >>> places(np.array([12.5, -0.001])), places(np.array([1.0 / 3.0]))
    (3, None)
    """
    column = Places(at_least)
    return column.places if column.add(values) is None else None


def whole(values: Array, places: int) -> Array:
    """Return k of values k/10^places; NaN for NaN.

    Examples
    --------
    >>> import numpy as np
    >>> whole(np.array([0.1, -2.25]), 2)
    array([  10., -225.])
    """
    return np.asarray(np.rint(values * 10.0**places))


def _others(values: Array, places: int) -> Array:
    """Return the values that are not k/10^places."""
    k = whole(values, places)
    k /= 10.0**places
    misfits = k != values
    return values[misfits & ~np.isnan(values)] if misfits.any() else values[:0]
