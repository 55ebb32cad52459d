"""Certify any tool's coefficients on a table by the gradient at them, in exact arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any, Unpack

import numpy as np
from scipy.sparse import issparse

from regress.api.claim import Claim
from regress.api.cluster.table import ClusterTable
from regress.api.foreign_models import claim_of
from regress.api.formulas import with_formula
from regress.api.moments.table_moments import TableMoments
from regress.api.moments.training import fitted_as
from regress.api.statsmodels_rows import as_held
from regress.api.sums import Reading, ReadTable
from regress.api.tables import Where, opened, read_any, source_of
from regress.blocks import Array
from regress.design.roles import as_values
from regress.errors import InputError, check_number
from regress.inference.certificate import certificate
from regress.inference.certified import Certificate
from regress.inference.scores import LargestMove, spread
from regress.keywords import CertifyKeywords, made, names_of, refuse_unknown, takes
from regress.messages import by_interface, setting
from regress.numerics.integers import rounded
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.numerics.whole_sum import implied_intercept
from regress.options import FileOptions, Progress, TableOptions, TrainOptions
from regress.records import objective_text
from regress.solvers.exact.minimum import exact_minimum
from regress.sources.arrays import ArraySource
from regress.sources.base import Source
from regress.sources.open import open_table
from regress.sources.summed import SummedSource

_SAMPLED = 20_000  # rows from which the spread of y is taken: all of a smaller table
_OF_COLUMNS = ("formula", "features", "drop", "categorical", "ref", "max_categories")
_OF_OBJECTIVE = (
    "fit_intercept",
    "alpha",
    "collinear",
    "weights",
    "weight_type",
    "missing",
    "as_written",
    "test_size",
    "random_state",
)

_OPTIONS = [*names_of(TableOptions), "fit_intercept", "alpha", "collinear"]


@takes(TableOptions, TrainOptions, only=_OPTIONS)
def certify(
    other: Any,
    table: Any,
    target: Any = None,
    *,
    digits: float = 6.0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    cluster: Any = None,
    cluster_timeout: float = 300.0,
    **options: Unpack[CertifyKeywords],
) -> Certificate:
    """Count the correct digits of any tool's coefficients on a table.

    One pass computes the gradient at the claim in exact arithmetic; it gives the distance to the true minimum. Where
    digits are missing or predictions may be wrong, a second pass finds the largest error of a prediction. The options
    describe what was minimized; those that `other` stores need not be given. Of a target such as log(y) the
    coefficients are certified, and predictions before they are transformed back.

    Parameters
    ----------
    other : object
        One of these:

        - a `Fit`, a `LinearModel` or its file,
        - a fitted LinearRegression, Ridge, RidgeCV, SGDRegressor (squared error) or `LinearRegressor`,
        - a Pipeline ending in one of them, certified in the space after ``pipeline[:-1].transform``,
        - a GridSearchCV or RandomizedSearchCV of one of them,
        - a statsmodels result of OLS, WLS or a Gaussian GLM, certified in the columns that it was fitted to,
        - a Keras model of one Dense(1) layer without activation, perhaps after Normalization; w is by position,
        - (w, b), with w by position or by name,
        - a mapping or JSON file with "coef" and "intercept".
    table, target, n_jobs, progress, cluster, cluster_timeout
        As in `fit`; a model knows its target.
    digits : float
        Correct digits that every coefficient must have.
    **options

    Returns
    -------
    Certificate
        `.digits`, `.intercept_digits`, `.gradient_norm`, `.excess_loss`, `.passed`, `.table`.

    Raises
    ------
    InputError
        If the table or the claim cannot be used, or minimizes another loss.

    Examples
    --------
    >>> import regress
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> regress.certify(LinearRegression().fit(X, y), X, y).passed
    True
    >>> certificate = regress.certify(([0.0, 100.0], 5.0), "data/income_rate.csv", "spend")  # w is by position
    >>> certificate.passed, {name: round(digits, 1) for name, digits in certificate.digits.items()}
    (False, {'income': 0.0, 'rate': 3.1})
    """
    refuse_unknown(certify, options)
    check_number("digits", digits, at_least=0.0)
    claim, where = claim_of(other), Where(cluster, cluster_timeout)
    target, options_given = with_formula(target, options)
    if claim.design is not None and (own := [name for name in _OF_COLUMNS if name in options_given]):
        raise InputError(f"A saved model stores its own columns. Remove {setting(own[0])}.")
    given = {**claim.options, **options_given}
    if given.pop("weighted", False) and given.get("weights") is None:
        raise InputError(
            "The model was fitted with weights given as values. Pass them again as "
            + by_interface("weights.", "a column of the table, named by --weights.")
        )
    jobs, rows_needed = resolve_jobs(n_jobs), claim.held is not None or claim.steps is not None
    role = claim.target if target is None else target
    with one_blas_thread(), opened(table, role, made(TableOptions, given), where) as found:
        if rows_needed and not isinstance(found, Source):
            raise InputError(f"A fit to other columns is certified on rows, not on {source_of(found).label}.")
        raw = isinstance(table, np.ndarray) and rows_needed
        return _certified(claim, table if raw else found, target, given, digits=digits, jobs=jobs, progress=progress)


def _certified(
    claim: Claim,
    table: Any,
    target: Any,
    options: dict[str, Any],
    *,
    digits: float,
    jobs: int,
    progress: Progress | None,
) -> Certificate:
    """Certify a claim on a table that is open, or an array to transform."""
    space = ""
    if claim.held is not None:
        table, target, options, space = as_held(claim, claim.held, table, target, options)
    elif claim.steps is not None and len(claim.steps):
        table, target, options, claim = _transformed(claim, table, target, options)
        space = "after " + " → ".join(name for name, _ in claim.steps.steps)
    elif claim.design is None:
        options = {**options, **_chosen(claim, table, target, options)}
    table_options, train_options = made(TableOptions, options), made(TrainOptions, options)
    if isinstance(table, TableMoments):
        train_options = fitted_as(table, train_options)
    target = claim.target if target is None else target
    intercept = train_options.fit_intercept
    reading = Reading("moments", jobs, "exact", sampled=_SAMPLED, design=claim.design, fit_intercept=intercept)
    table = table if isinstance(table, Source | TableMoments | ClusterTable) else open_table(table)
    prepared = read_any(table, target, table_options, reading, progress)
    alpha = train_options.alpha + claim.alpha_per_row * prepared.data.summary.rows
    train_options = replace(train_options, alpha=alpha, precision="exact")
    minimum = exact_minimum(prepared.data, 0, train_options, prepared.names)
    assert minimum is not None  # precision="exact" raises instead
    w, center, b_center = _aligned(claim, prepared)
    shown = claim.b or rounded(implied_intercept(w, center, b_center))
    if shown and not train_options.fit_intercept:
        raise InputError(
            f"The claim has the intercept {shown:g}, but the claim is for a model without one. Pass 0, or remove "
            f"{setting('fit_intercept', False)}."
        )
    result = certificate(minimum, prepared.names, w, center, b_center=b_center, b=claim.b)
    reader = prepared.reader
    result = replace(
        result,
        asked=digits,
        spread=result.spread if prepared.sample is None else spread(prepared.sample.Y, result.spread),
        space=space,
        trained_rows=claim.trained_rows,
        source=reader.source.label,
        target=reader.target.name,
        objective=objective_text(reader.weights is not None, alpha),
    )
    if result.undecided:
        if isinstance(reader.source, SummedSource):
            if result.effect > result.allowed:  # on average, so the largest is no less
                return result
            reader.source.refuse("the largest error of a prediction")
        move = partial(LargestMove, result.distance, center, result.distance_at_center)
        most = prepared.fold_rows(move).finish()
        result = replace(result, moved=most / result.spread if result.spread > 0 else inf if most else 0.0)
    return result


def _chosen(claim: Claim, table: Any, target: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the columns that a claim is about: by their names, or the names of their levels."""
    if claim.names is None or any(name in options for name in ("formula", "features", "drop")):
        return {}
    source = open_table(table) if isinstance(table, np.ndarray) else source_of(table)
    columns = [column.name for column in source.columns]
    taken = [role for role in (target, options.get("weights")) if isinstance(role, str)]
    rest = [name for name in columns if name not in taken]
    return {"features": _used(rest, claim.names) or list(claim.names)}


def _used(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    return [c for c in columns if c in names or any(name.startswith(f"{c}=") for name in names)]


def _transformed(
    claim: Claim, table: Any, target: Any, options: Mapping[str, Any]
) -> tuple[Any, Any, dict[str, Any], Claim]:
    """Return a table as a Pipeline's first steps transform it, with target and weights as values."""
    from regress.sources.frames import frame_of

    kept = {name: value for name, value in options.items() if name in _OF_OBJECTIVE}
    if options.get("split_key") is not None:
        raise InputError(
            f"A Pipeline's space has no column for {setting('split_key')}. Pass the training rows as the table."
        )
    if not isinstance(table, np.ndarray):
        source = open_table(table, made(FileOptions, options))
        roles = {"target": target, "weights": options.get("weights")}
        roles = {role: as_values(source, v, role) for role, v in roles.items() if v is not None}
        given = {role: v.array for role, v in roles.items() if v.array is not None}
        named = {role: v.name for role, v in roles.items() if v.array is None}
        frame = frame_of(source)
        left_out = (*named.values(), *options.get("drop", ()))
        used = list(claim.columns) or options.get("features") or [c for c in frame.columns if c not in left_out]
        for role, name in named.items():
            if not np.issubdtype(frame[name].dtype, np.number):
                raise InputError(f"Column {name!r} of {source.label} is text, not numbers, so it cannot be {role}.")
        values = {role: frame[name].to_numpy(dtype=np.float64) for role, name in named.items()}
        values |= given
        table, target, kept = frame[used], values.pop("target", target), kept | values
        table = table if claim.columns else table.to_numpy()  # as the first step was fitted
    X = claim.steps.transform(table)
    X = X.toarray() if issparse(X) else np.asarray(X, dtype=np.float64)
    try:
        names = tuple(claim.steps.get_feature_names_out())
    except (AttributeError, TypeError):  # some steps have no names to give
        names = tuple(f"x{j}" for j in range(X.shape[1]))
    return ArraySource(X, names), target, kept, replace(claim, names=None)


def _aligned(claim: Claim, prepared: ReadTable) -> tuple[Array, Array, float]:
    """Return w in the order of the columns that were read, and where the claim predicts what."""
    names, w = prepared.names, claim.w
    if claim.design is None and claim.names is not None:
        odd = sorted(set(names) ^ set(claim.names))
        if odd:
            raise InputError(
                f"The claim has coefficients for {len(claim.names)} columns and the table {len(names)}: "
                f"{', '.join(map(repr, odd[:5]))} {'is' if len(odd) == 1 else 'are'} in only one of them."
            )
        by_name = dict(zip(claim.names, w.tolist(), strict=True))
        w = np.array([by_name[name] for name in names])
    if len(w) != len(names):
        raise InputError(
            f"The claim has {len(w)} coefficients; the table has {len(names)} columns ({', '.join(names[:8])}). "
            f"Name the columns with {setting('features')}."
        )
    center = np.zeros(len(w)) if claim.center is None else claim.center
    b_center = claim.b if claim.b_center is None else claim.b_center
    if not np.isfinite([*w, *center, claim.b, b_center]).all():
        raise InputError(
            "A coefficient or the intercept of the claim is not a finite number: there is no digit to count."
        )
    return w, center, b_center
