"""Fitted coefficients of any tool as a claim: w and b by name or position, and the objective that they minimize."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from regress.blocks import Array
from regress.design.terms import Design


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """That ŷ = (x − center)ᵀw + b_center minimizes an objective.

    Attributes
    ----------
    w, b : array of shape (n,), float
        Coefficients and intercept.
    names : tuple of str or None
        The columns of w; None for those of the table, in order.
    options : mapping
        The known part of the objective, as keyword arguments of `fit`.
    target : str or None
        The column that was predicted, if known.
    center, b_center : array of shape (n,), float, optional
        Where predictions are computed; x = 0 and b unless given.
    design : Design, optional
        How the columns of a table are encoded.
    alpha_per_row : float
        A penalty that grows with the rows.
    steps, columns : object, tuple of str
        The steps that transform a table into the columns of w, and the columns that they take; all if empty.
    held : Held or None
        The rows that a result was fitted to, if it holds them.
    trained_rows : int or None
        The number of rows that it was fitted to, if it stores that.
    """

    w: Array
    b: float
    names: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    center: Array | None = None
    b_center: float | None = None
    design: Design | None = None
    alpha_per_row: float = 0.0
    steps: Any = None
    columns: tuple[str, ...] = ()
    held: "Held | None" = None
    trained_rows: int | None = None


class Held(NamedTuple):
    """The rows that a result of statsmodels was fitted to.

    `X` (m, n) has no column for the intercept. `names` are those of its columns. `y` is the target, named `target`.
    Both names are None for arrays. `left_out` are rows with missing cells; `kind` is the class of the model.
    """

    X: Array
    y: Array
    weights: Array | None
    names: tuple[str, ...] | None
    target: str | None
    left_out: tuple[int, ...]
    kind: str
