"""Leverages: how much each row decides its own prediction, between 0 and 1."""

import numpy as np

from regress.aggregates.moments import Moments
from regress.blocks import Array

_MOST_COLUMNS = 300  # whose products are factored
_LEAST_EIGENVALUE = 1e-11  # of the largest: smaller ones are columns that depend on each other
NEAR_ONE = 0.99  # from here on, a row decides a coefficient alone


def leverages(rows: Array, weights: Array, moments: Moments | None, intercept: bool) -> Array | None:
    """Return h = a zᵀ (Σ a z zᵀ)⁻¹ z of some rows, with z = [x, 1], or z = x without intercept.

    Parameters
    ----------
    rows, weights : arrays of shape (m, n), (m,)
        X, and the weights a.
    moments : Moments or None
        Of all training rows.
    intercept : bool
        Whether one is fitted.

    Returns
    -------
    array of shape (m,) or None
        None where the moments are unknown, or of too many columns.

    Notes
    -----
    With x̄ and C = Σ a (x − x̄)(x − x̄)ᵀ this is a (1/Σa + (x − x̄)ᵀ C⁻¹ (x − x̄)), see Hoaglin and Welsch (1978). Where
    columns depend on each other, C⁻¹ is the pseudoinverse.
    """
    if moments is None or len(moments.xx) > _MOST_COLUMNS:
        return None
    center = moments.center if intercept else np.zeros(len(moments.xx))
    products = moments.xx if intercept else moments.xx + moments.weight * np.outer(moments.center, moments.center)
    norms = np.sqrt(np.diagonal(products))
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0.0)
    values, vectors = np.linalg.eigh(products * scale * scale[:, None])
    kept = values > _LEAST_EIGENVALUE * values[-1]
    z = ((rows - center) * scale) @ (vectors[:, kept] / np.sqrt(values[kept]))
    h = weights * (np.einsum("ij,ij->i", z, z) + (1.0 / moments.weight if intercept else 0.0))
    return np.clip(h, 0.0, 1.0) if np.isfinite(h).all() else None
