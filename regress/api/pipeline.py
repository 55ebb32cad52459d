"""A saved or fitted model as a scikit-learn Pipeline that does not need this package."""

from operator import methodcaller
from typing import Any

import numpy as np

from regress.api.model import LinearModel
from regress.api.result import Fit, bare_model
from regress.design.terms import Design
from regress.design.variables import Variable
from regress.errors import InputError
from regress.sources.frames import of_columns

# How cells of a frame become levels: as text, no blanks around them, 1.0 is 1, True is true. A stored Pipeline must not
# need this package, so scikit-learn and pandas apply these rules.
_SPELLINGS = {r"^\s+|\s+$": "", r"^([+-]?[0-9]+)\.0+$": r"\1", r"(?i)^true$": "true", r"(?i)^false$": "false"}


def to_sklearn(model: LinearModel | Fit) -> Any:
    """Return a fitted scikit-learn Pipeline that takes the same DataFrame and predicts the same.

    The Pipeline has three steps of scikit-learn. A ColumnTransformer selects, fills and encodes the columns by name. A
    StandardScaler subtracts the training means, which keeps the digits of columns far from zero. A LinearRegression
    predicts.

    Parameters
    ----------
    model : LinearModel or Fit
        The model to convert.

    Raises
    ------
    InputError
        If `model` is another object.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Rows with missing cells are refused, unless the model was trained with missing="mean".
    """
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    model = bare_model(model, "to_sklearn", "A scikit-learn estimator can be put into a Pipeline directly.")
    if dates := [v.name for v in model.design.variables if v.kind == "date"]:
        raise InputError(f"Column {dates[0]!r} holds dates, which a pipeline cannot read. Train on numbers instead.")
    n = len(model.w)
    center = StandardScaler(with_std=False).fit(np.zeros((1, n)))
    center.mean_ = model.center
    line = LinearRegression().fit(np.zeros((1, n)), np.zeros(1))
    line.coef_, line.intercept_ = model.w, model.b_center
    return Pipeline([("encode", _encoder(model.design)), ("center", center), ("line", line)])


def _encoder(design: Design) -> Any:
    """Return a ColumnTransformer, fitted on one artificial row per level."""
    from sklearn.compose import ColumnTransformer

    # Steps are named by number: a column's name may be one that scikit-learn refuses for a step.
    steps = [(str(j), _step(variable, design), [variable.name]) for j, variable in enumerate(design.variables)]
    height = max((len(variable.levels) for variable in design.variables), default=1) or 1
    rows = {
        variable.name: [variable.levels[i % len(variable.levels)] for i in range(height)]
        if variable.levels
        else np.zeros(height)
        for variable in design.variables
    }
    return ColumnTransformer(steps).fit(of_columns(rows))


def _step(variable: Variable, design: Design) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    if variable.kind == "text":
        as_text = FunctionTransformer(methodcaller("astype", "str"))
        as_levels = FunctionTransformer(methodcaller("replace", regex=_SPELLINGS))
        drop = None if variable.all_levels else "first"
        return make_pipeline(
            as_text, as_levels, OneHotEncoder(categories=[list(variable.levels)], drop=drop, sparse_output=False)
        )
    if variable.name in design.fills:
        as_float = FunctionTransformer(methodcaller("astype", "float64"))  # the imputer refuses booleans
        return make_pipeline(as_float, SimpleImputer(strategy="constant", fill_value=design.fills[variable.name]))
    return "passthrough"
