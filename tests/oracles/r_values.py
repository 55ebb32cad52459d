"""What R computes, as constants: fits of formulas, bases of splines, quantiles and designs (scripts/r_values.R)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
ROOT = Path(__file__).resolve().parents[2]
_R: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Fit:
    """A fit of R's lm; columns stand in R's order, the intercept first.

    In an aliased fit R leaves coefficients out, which are NaN here. A coding by marginality has `rank` columns there.
    Without an intercept, `r2` is about zero. Rows with a missing cell are dropped, as are rows of weight 0.
    """

    table: Path
    r: str
    formula: str
    weights: str | None
    intercept: bool
    aliased: bool
    nobs: int
    rank: int
    names: tuple[str, ...]
    coef: Array
    std_err: Array
    sigma: float
    r2: float
    rss: float


@dataclass(frozen=True)
class Basis:
    """Columns of `bs`, `ns`, `poly` or `scale` at `X`, and of the same basis at `NEW_X`; the inner knots of splines."""

    name: str
    options: dict[str, Any]
    knots: Array
    columns: Array
    new_columns: Array


@dataclass(frozen=True)
class Quantiles:
    """Quantiles of some values at the probabilities `p`, of R's type 7."""

    x: Array
    p: Array
    quantiles: Array


@dataclass(frozen=True)
class Design:
    """R's matrix for a formula over `ROWS`; aliased where its columns depend on each other.

    If a sum-coded factor has all its levels in a term, these are indicators.
    """

    r: str
    formula: str
    aliased: bool
    names: tuple[str, ...]
    columns: Array


def _values(cells: Any) -> Array:
    """Return numbers as an array, null as NaN, and lists of columns as columns."""
    return np.array(cells, dtype=float).T


def _fit(case: dict[str, Any]) -> Fit:
    arrays = {name: _values(case[name]) for name in ("coef", "std_err")}
    return Fit(**case | arrays | {"table": ROOT / case["table"], "names": tuple(case["names"])})


def _basis(case: dict[str, Any]) -> Basis:
    return Basis(**case | {name: _values(case[name]) for name in ("knots", "columns", "new_columns")})


def _design(case: dict[str, Any]) -> Design:
    return Design(**case | {"names": tuple(case["names"]), "columns": _values(case["columns"])})


FITS = [_fit(case) for case in _R["fits"]]
X, NEW_X = _values(_R["x"]), _values(_R["new_x"])
BASES = [_basis(case) for case in _R["bases"]]
QUANTILES = [Quantiles(**{name: _values(cells) for name, cells in case.items()}) for case in _R["quantiles"]]
ROWS: dict[str, list[Any]] = _R["rows"]  # two text columns, a and b, and two of numbers, x and z
DESIGNS = [_design(case) for case in _R["designs"]]
