"""How well fits predict rows that they were not trained on: metrics by name, and scorers of scikit-learn."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from regress.api.comparison import FIGURES
from regress.api.other_tools import Found, Predictor, first_line
from regress.blocks import Array, Block
from regress.errors import InputError
from regress.inference.metrics import METRICS
from regress.messages import setting

Score = Callable[[Found, Block, Callable[[], Array]], float]
"""score(fit, rows, residuals): `residuals` returns ŷ − y of these rows, for several metrics."""


class Metric(NamedTuple):
    """A metric by its name, and what computes it from a fit and some rows."""

    name: str
    score: Score


class MetricError(InputError):
    """A metric that cannot be computed."""


def metrics_of(given: Any, weighted: bool) -> list[Metric]:
    """Return metrics by the names and scorers that a user gave; all metrics of this package unless any are given.

    Raises
    ------
    InputError
        If a name is unknown, or a scorer does not take the weights of the rows.
    """
    if given is None:
        return [_named(name) for name in METRICS]
    if isinstance(given, str) or callable(given):
        given = [given]
    if not isinstance(given, Mapping | Sequence) or not given:
        raise InputError(f"{setting('metrics')} must be names or scorers; got {given!r}.")
    pairs = given.items() if isinstance(given, Mapping) else [(None, each) for each in given]
    found = [_metric(name, each, weighted) for name, each in pairs]
    names = [metric.name for metric in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{setting('metrics')} has {twice!r} twice. Give scorers different names, in a dict.")
    if clash := next((name for name in names if name in FIGURES), None):
        raise InputError(f"{setting('metrics')} has {clash!r}, a column of the table already. Give it another name.")
    return found


def _named(name: str) -> Metric:
    measured = METRICS[name]

    def score(fit: Found, rows: Block, residuals: Callable[[], Array]) -> float:
        a = np.ones(len(rows.X)) if rows.weights is None else rows.weights
        with np.errstate(over="ignore", invalid="ignore"):
            return measured(residuals(), rows.Y[:, 0], a)

    return Metric(name, score)


def _metric(name: Any, given: Any, weighted: bool) -> Metric:
    from sklearn.metrics import get_scorer, get_scorer_names

    if name is not None and not isinstance(name, str):
        raise InputError(f"{setting('metrics')} has a name that is not text: {name!r}.")
    if isinstance(given, str):
        if given in METRICS:
            return _named(given)._replace(name=name or given)
        known = list(dict.fromkeys([*METRICS, *get_scorer_names()]))
        if given not in known:
            near = get_close_matches(given, known, 3, 0.5)
            which = (
                f"Nearest: {', '.join(near)}." if near else f"Use {', '.join(METRICS)}, or a scorer of scikit-learn."
            )
            raise InputError(f"There is no metric {given!r}. {which}")
        name, given = name or given, get_scorer(given)
    if not callable(given):
        raise InputError(f"{setting('metrics')} must be names, or functions (estimator, X, y); got {given!r}.")
    return _scorer(str(name or getattr(given, "__name__", given)), given, weighted)


def _scorer(name: str, scorer: Callable[..., Any], weighted: bool) -> Metric:
    if weighted:
        known = inspect.signature(scorer).parameters.values()
        if not any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in known):
            raise InputError(f"The rows have weights, and the scorer {name!r} takes no sample_weight.")

    def score(fit: Found, rows: Block, residuals: Callable[[], Array]) -> float:
        more = {} if rows.weights is None else {"sample_weight": rows.weights}
        try:
            return float(scorer(_estimator(fit), rows.X.copy(), rows.Y[:, 0].copy(), **more))
        except Exception as error:  # whatever a user's function raises
            raise MetricError(f"The metric {name!r} cannot be computed: {first_line(error)}") from error

    return Metric(name, score)


def _estimator(fit: Found) -> Any:
    """Return a fit as the estimator of scikit-learn that a scorer takes."""
    from sklearn.base import BaseEstimator, RegressorMixin

    if isinstance(fit, Predictor):
        return fit.model

    class Fitted(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
        def predict(self, X: Array) -> Array:
            return fit.predict(np.asarray(X, dtype=np.float64))

        def __sklearn_is_fitted__(self) -> bool:
            return True

    estimator = Fitted()
    estimator.coef_, estimator.intercept_ = fit.w, fit.b
    return estimator
