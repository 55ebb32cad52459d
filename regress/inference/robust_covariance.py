"""Robust standard errors: a covariance is B M B, with B = (∇²L/2)⁻¹ and M the sum of a second pass over the rows.

For White's HC0 and HC1, M = Σ (a e)² z zᵀ over z = [x − x̄, 1] (White 1980). Other kinds are a `Covariance`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, get_args

import numpy as np

from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.totals import Totals
from regress.blocks import Array, Block
from regress.design.columns import selected
from regress.design.rows import Reader
from regress.design.rows_along import rows_along
from regress.errors import InputError, check_choice
from regress.messages import setting
from regress.numerics.integers import ratio
from regress.numerics.prediction import line, residuals
from regress.options import CovType
from regress.solvers.solution import Training

_ASYMMETRY = 1e-8  # of the largest entry, which rounding may leave


class Meat(NamedTuple):
    """Σ (a e)² z zᵀ: entry (i, j) is ``matrix[i, j] · scale[i] · scale[j]``, which may be out of a double's range."""

    matrix: Array
    scale: Array


class ScoreSums(Protocol):
    """What a kind of standard error sums over the scores of rows."""

    def add(self, scores: Array, along: Mapping[str, list[str]]) -> None:
        """Add rows: their scores s = a e z (m, p), and their cells of the columns that are read along."""
        ...

    def finish(self, observations: float, parameters: int) -> Array:
        """Return M (p, p), corrected for small samples if that is meant."""
        ...


class Covariance(ABC):
    """A kind of standard error, given as ``regress.fit(…, cov_type=…)``.

    Attributes
    ----------
    columns : tuple of str
        Other columns of the table that it needs, such as clusters. They are not features unless these are named.

    Examples
    --------
    >>> import numpy as np
    >>> import regress
    >>> class Spread:  # White's HC0: M = Σ s sᵀ over the scores s of rows
    ...     def __init__(self, size):
    ...         self.total = np.zeros((size, size))
    ...     def add(self, scores, along):
    ...         self.total += scores.T @ scores
    ...     def finish(self, observations, parameters):
    ...         return self.total
    >>> class White(regress.Covariance):
    ...     def begin(self, size):
    ...         return Spread(size)
    >>> own = regress.fit("data/diabetes.csv", "progression", cov_type=White())
    >>> white = regress.fit("data/diabetes.csv", "progression", cov_type="HC0")
    >>> np.allclose(own.bse, white.bse, rtol=1e-9)
    True
    """

    columns: tuple[str, ...] = ()

    @abstractmethod
    def begin(self, size: int) -> ScoreSums:
        """Return new sums over scores of `size` entries: those of the columns, and of the intercept last."""

    def __str__(self) -> str:
        return type(self).__name__


def given_kind(cov_type: object, weight_type: str) -> Covariance | None:
    """Return a kind of standard error that was given as an object; None for one that has a name.

    Raises
    ------
    InputError
        If it is neither, or rows are counted by weights, for which an object has no rule.
    """
    if not isinstance(cov_type, Covariance):
        check_choice("cov_type", cov_type, get_args(CovType))
        return None
    if weight_type == "frequency":
        raise InputError(f"{setting('weight_type', 'frequency')} needs a cov_type that regress has. Repeat the rows.")
    return cov_type


class Middle(NamedTuple):
    """M of White's covariance, which HC1 corrects by N/(N − k)."""

    meat: Meat
    corrected: bool

    def finish(self, observations: float, parameters: int) -> Meat:
        """Return M for N observations and k parameters."""
        factor = observations / (observations - parameters) if self.corrected else 1.0
        return self.meat._replace(matrix=self.meat.matrix * factor)


class GivenMiddle(NamedTuple):
    """The sums of a kind of standard error that was given as an object."""

    sums: ScoreSums
    size: int

    def finish(self, observations: float, parameters: int) -> Meat:
        """Return M for N observations and k parameters."""
        found = self.sums.finish(observations, parameters)
        matrix, size = np.asarray(found), self.size
        if matrix.shape != (size, size) or matrix.dtype.kind not in "fiu" or not np.isfinite(matrix).all():
            raise InputError(
                f"{type(self.sums).__name__}.finish must return a matrix of finite real numbers of shape "
                f"({size}, {size})."
            )
        matrix = matrix.astype(np.float64)
        largest = float(np.abs(matrix).max(initial=0.0))
        if np.abs(matrix - matrix.T).max(initial=0.0) > _ASYMMETRY * largest:
            raise InputError(f"{type(self.sums).__name__}.finish must return a symmetric matrix.")
        if np.linalg.eigvalsh(matrix)[0] < -_ASYMMETRY * largest:
            raise InputError(f"{type(self.sums).__name__}.finish must return a matrix without negative eigenvalues.")
        return Meat((matrix + matrix.T) / 2.0, np.ones(size))


def middle_given(covariance: Covariance, reader: Reader, training: Training, center: Array) -> GivenMiddle:
    """Sum the scores of the training rows over z = [x − center, 1] in a pass of its own."""
    size = len(center) + 1
    sums = covariance.begin(size)
    for block, along in rows_along(reader, covariance.columns):
        X, Y, a, *_ = selected(block, reader.design.names)
        if len(X):
            e = line(X, training.w, training.center, training.b_center) - Y[:, 0]
            scores = np.append(X - center, np.ones((len(X), 1)), axis=1) * e[:, None]
            sums.add(scores if a is None else scores * a[:, None], along)
    return GivenMiddle(sums, size)


class MeatSums:
    """Σ (a e)² z zᵀ over z = [x − center, 1], or Σ a e² z zᵀ where a counts `repeated` rows.

    Of a fit in exact arithmetic it is exact too, except that (a e)z is rounded. It has the same bits in any order of
    the rows. Of a fit in float64 it is summed in the order of the blocks.

    Parameters
    ----------
    training : Training
        The fit, whose residuals are meant.
    center : array of shape (n,)
        What x is compared with.
    names : sequence of str
        Columns of the fit, as blocks name them.
    repeated : bool
        Whether weights count repeated rows.
    """

    def __init__(self, training: Training, center: Array, names: Sequence[str], repeated: bool) -> None:
        self._at = training.w, training.center, training.b_center
        self._center, self._names, self._repeated = center, names, repeated
        self._exact = ExactSums() if training.minimum is not None else None
        self._total = np.zeros((len(center) + 1, len(center) + 1))

    def add(self, block: Block) -> None:
        """Add at least one row."""
        X, Y, a, *_ = selected(block, self._names)
        e = line(X, *self._at) - Y[:, 0] if self._exact is None else residuals(X, Y[:, 0], *self._at)
        if a is not None and not self._repeated:
            e, a = e * a, None
        ez, e = (X - self._center) * e[:, None], e[:, None]
        if self._exact is not None:
            self._exact.add(Block(ez, e, a))
            return
        z = np.append(ez, e, axis=1)
        self._total += (z if a is None else z * a[:, None]).T @ z

    def merge(self, other: "MeatSums") -> None:
        """Add the rows of another part, of the same fit."""
        self._total += other._total
        if self._exact is not None and other._exact is not None:
            self._exact.merge(other._exact)

    def finish(self) -> Meat:
        """Return the sum over all rows so far."""
        return Meat(self._total, np.ones(len(self._total))) if self._exact is None else _rounded(self._exact.finish())


def _rounded(totals: Totals) -> Meat:
    value, unit = totals.value[1:, 1:], totals.unit[1:].tolist()
    half = [int(square).bit_length() // 2 for square in np.diagonal(value)]
    matrix = [
        [ratio(int(v), h + k) for v, k in zip(row, half, strict=True)] for row, h in zip(value, half, strict=True)
    ]
    return Meat(np.array(matrix), np.ldexp(1.0, np.add(half, unit)))
