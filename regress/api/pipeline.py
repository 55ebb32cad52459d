"""A saved or fitted model as a scikit-learn Pipeline that does not need this package."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from regress.api.model import LinearModel
from regress.api.model_names import bare_model
from regress.api.pipeline_steps import column_of_levels, levels_step, numbers_step, refused
from regress.api.result import Fit
from regress.design.formula.expression import names_in
from regress.design.terms import Design, XColumn
from regress.errors import InputError
from regress.sources.frames import of_columns

_PROBE = 0.6180339887498949  # a number that functions can take: steps are fitted on it


def to_sklearn(model: LinearModel | Fit) -> Any:
    """Return a fitted scikit-learn Pipeline that takes the same DataFrame and predicts the same.

    The Pipeline has three steps of scikit-learn. A ColumnTransformer selects, fills and encodes the columns by name;
    with a formula, another one multiplies them. A StandardScaler subtracts the training means, which keeps the digits
    of columns far from zero. A LinearRegression predicts.

    Parameters
    ----------
    model : LinearModel or Fit
        The model to convert.

    Raises
    ------
    InputError
        If `model` is another object, or its formula has a term or target that scikit-learn cannot compute, such as ns.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Rows with missing cells are refused, unless the model was trained with missing="mean".

    Examples
    --------
    >>> import regress
    >>> import pandas as pd
    >>> fit = regress.fit("data/diabetes.csv", "progression")
    >>> pipeline = regress.to_sklearn(fit)
    >>> frame = pd.read_csv("data/diabetes.csv")
    >>> pipeline.predict(frame)[:2].round(1).tolist()
    [206.1, 68.1]
    >>> fit.predict(frame)[:2].round(1).tolist()
    [206.1, 68.1]
    """
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    model = bare_model(model, "to_sklearn", "A scikit-learn estimator can be put into a Pipeline directly.")
    _refuse(model)
    n = len(model.w)
    center = StandardScaler(with_std=False).fit(np.zeros((1, n)))
    center.mean_ = model.center
    line = LinearRegression().fit(np.zeros((1, n)), np.zeros(1))
    line.coef_, line.intercept_ = model.w, model.b_center
    return Pipeline([("encode", _encoder(model.design)), ("center", center), ("line", line)])


def _refuse(model: LinearModel) -> None:
    """Refuse what scikit-learn cannot read, or would predict otherwise."""
    design = model.design
    kinds = {v.name: v.kind for v in design.variables} | {n: kind for c in design.computed for n, kind in c.reads}
    if dates := [name for name, kind in kinds.items() if kind == "date"]:
        raise InputError(f"Column {dates[0]!r} holds dates, which a pipeline cannot read. Train on numbers instead.")
    if (how := model.trained.retransform) is not None:
        raise refused(model.target, f"its predictions are in units of {how.column}")


def _encoder(design: Design) -> Any:
    """Return the step from a frame to X, fitted on one artificial row per level."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    computed = {of_one.name: of_one for of_one in design.computed}
    levels, numbers = dict[str, list[str]](), dict[str, None]()
    steps, at = list[tuple[str, Any, list[str]]](), dict[tuple[str, str | None, bool], int]()
    for variable in design.variables:
        of_one = computed.get(variable.name)
        if variable.kind == "text":
            names = [column_of_levels(variable, of_one)]
            levels[names[0]] = list(variable.levels)
            drop = None if design.formula or variable.all_levels else "first"
            step = levels_step(variable, drop)
            summed = variable.levels[:-1] if variable.coding == "sum" else ()
            keys = [*((level, False) for level in variable.levels), *((level, True) for level in summed)]
            at |= {(variable.name, *key): len(at) + k for k, key in enumerate(keys)}
        else:
            names = list(dict.fromkeys((variable.name,) if of_one is None else names_in(of_one.expression)))
            step = numbers_step(variable, of_one, names, design.fills.get(variable.name))
            numbers |= dict.fromkeys(names)
            at[variable.name, None, False] = len(at)
        steps.append((str(len(steps)), step, names))  # a column's name may be one that scikit-learn refuses for a step
    height = max([2, *map(len, levels.values())])
    rows: dict[str, Any] = {name: np.full(height, _PROBE) for name in numbers}
    rows |= {name: [given[i % len(given)] for i in range(height)] for name, given in levels.items()}
    columns = ColumnTransformer(steps)
    if not design.formula:
        return columns.fit(of_columns(rows))
    products = [(str(j), _product(), _factors(column, design, at)) for j, column in enumerate(design.x_columns())]
    with np.errstate(all="ignore"):
        return Pipeline([("columns", columns), ("products", ColumnTransformer(products))]).fit(of_columns(rows))


def _product() -> Any:
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(np.prod, kw_args={"axis": 1, "keepdims": True})


def _factors(column: XColumn, design: Design, at: Mapping[tuple[str, str | None, bool], int]) -> list[int]:
    """Return of which variables and levels a column of X is the product, each as often as it is a factor."""
    summed = {variable.name for variable in design.texts if variable.coding == "sum"}
    places = [at[name, None, False] for name, power in column.term.powers.items() for _ in range(power)]
    for name, all_levels in column.term.texts:
        places.append(at[name, column.levels[name], name in summed and not all_levels])
    return places
