"""Leverages: how much each row decides its own prediction, between 0 and 1; and the space that predictions lie in."""

import numpy as np

from regress.aggregates.moments import Moments
from regress.blocks import Array

_MOST_COLUMNS = 300  # whose products are factored
_SURE = 1e-11  # of the largest eigenvalue: larger ones are independent columns
_ROUNDING = 64 * 2.0**-52  # a column: below that, an eigenvalue is rounding
NEAR_ONE = 0.99  # from here on, the fit passes close to a row, whatever its target is


def basis(rows: Array, weights: Array, moments: Moments | None, intercept: bool, rank: int | None) -> Array | None:
    """Return some rows in an orthonormal basis of the columns of √a z, with z = [x, 1], or z = x without intercept.

    Parameters
    ----------
    rows, weights : arrays of shape (m, n), (m,)
        X, and the weights a.
    moments : Moments or None
        Of all training rows.
    intercept : bool
        Whether one is fitted.
    rank : int or None
        The number of independent columns, if known.

    Returns
    -------
    array of shape (m, k) or None
        The basis is orthonormal over all training rows: the products of its columns sum to 1 or 0. None where moments
        are unknown, of too many columns, or too nearly dependent for float64.
    """
    if moments is None or len(moments.xx) > _MOST_COLUMNS:
        return None
    center = moments.center if intercept else np.zeros(len(moments.xx))
    products = moments.xx if intercept else moments.xx + moments.weight * np.outer(moments.center, moments.center)
    norms = np.sqrt(np.diagonal(products))
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0.0)
    values, vectors = np.linalg.eigh(products * scale * scale[:, None])
    k = int((values > _SURE * values[-1]).sum()) if rank is None else min(rank, len(values))
    kept, others = values[len(values) - k :], values[: len(values) - k]
    if (kept <= _ROUNDING * len(values) * values[-1]).any():
        return None
    if rank is None and (others > _ROUNDING * len(values) * values[-1]).any():
        return None
    z = ((rows - center) * scale) @ (vectors[:, len(values) - k :] / np.sqrt(kept))
    found = np.column_stack([np.full(len(z), moments.weight**-0.5), z]) if intercept else z
    found *= np.sqrt(weights)[:, None]
    return found if np.isfinite(found).all() else None


def leverages(found: Array) -> Array:
    """Return h = a zᵀ (Σ a z zᵀ)⁻¹ z of some rows (m,), given in a `basis` (m, k): see Hoaglin and Welsch (1978)."""
    h: Array = np.clip(np.einsum("ij,ij->i", found, found), 0.0, 1.0)
    return h
