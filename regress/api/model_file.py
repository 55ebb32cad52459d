"""What a model's file holds: its keys, each with a check, and what must agree among them.

Whatever passes could have been saved; see docs/reference/files.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from regress.api.json_schema import (
    Malformed,
    boolean,
    choice,
    either,
    items,
    mapping,
    number,
    numbers,
    optional,
    record,
    row,
    text,
    whole,
    words,
)
from regress.inference.prediction_intervals import TOLERANCE, Uncertainty, semidefinite
from regress.options import Collinear, CovType, Gradient, Missing, Over, Precision, WeightType
from regress.records import COLUMNS

_COUNT, _FIGURE, _MAYBE = whole(at_least=0), number(), optional(number())

_TERM = record(name=text, kind=choice("number", "boolean", "text"), levels=items(text))
_OPTIONS = record(
    fit_intercept=boolean,
    alpha=number(at_least=0.0),
    collinear=choice(*get_args(Collinear)),
    **dict.fromkeys(("loss", "penalty", "solver"), words),
    gradient=choice(*get_args(Gradient)),
    over=choice(*get_args(Over)),
    standardize=boolean,
    learning_rate=either("auto", number(above=0.0)),
    max_iter=optional(whole(at_least=1)),
    tol=number(above=0.0),
    precision=choice(*get_args(Precision)),
    missing=choice(*get_args(Missing)),
    weights=optional(text),
    weighted=boolean,
    weight_type=choice(*get_args(WeightType)),
    test_size=number(at_least=0.0),
    split_key=optional(text),
    random_state=whole(),
    cov_type=choice(*get_args(CovType)),
)
_UNCERTAINTY = record(
    df_resid=number(above=0.0),
    variance=number(above=0.0),
    center=numbers,
    covariance=items(numbers),
    across=numbers,
    of_center=number(at_least=0.0),
)
_ROWS = record(
    **dict.fromkeys(("rows", "used", "held_out", "missing", "zero_weight", "bad"), _COUNT),
    missing_cells=mapping(_COUNT),
)
_QUALITY = record(
    cov_type=choice(*get_args(CovType)),
    df_model=_COUNT,
    **dict.fromkeys(("nobs", "df_resid"), number(above=0.0)),
    **dict.fromkeys(("sigma", "rss", "llf", "aic", "bic"), _MAYBE),
    **dict.fromkeys(("r2", "r2_adjusted", "fvalue", "f_pvalue", "condition"), _MAYBE),
)
_LINE = record(
    name=text,
    coef=_FIGURE,
    **dict.fromkeys(COLUMNS[1:], _MAYBE),
    intercept=boolean,
    dropped=boolean,
)
_CERTIFICATE = record(
    worst=_FIGURE,
    passed=boolean,
    **dict.fromkeys(("gradient_norm", "excess_loss", "loss"), _MAYBE),
)
_MOMENTS = record(
    rows=_COUNT,
    weight=number(above=0.0),
    mean=numbers,
    norm=numbers,
    cosines=items(numbers),
    target_cosines=numbers,
    target_mean=_FIGURE,
    target_norm=number(at_least=0.0),
)
_GROUP_ROWS = whole(at_least=1)
_RESIDUALS = record(
    rows=_GROUP_ROWS,
    groups=items(row(_COUNT, _FIGURE, _FIGURE, _FIGURE, _GROUP_ROWS)),
    normal=items(row(_COUNT, _FIGURE, _FIGURE, _GROUP_ROWS)),
    bands=items(row(_FIGURE, _MAYBE, optional(_COUNT), number(at_least=0.0))),
    far=optional(_COUNT),
)
_REPORT = record(
    **dict.fromkeys(("source", "command", "read_as", "solver", "over", "precision", "precision_reason"), words),
    rows=_ROWS,
    n_iter=_COUNT,
    learning_rate=optional(number(above=0.0)),
    r2=_MAYBE,
    r2_test=_MAYBE,
    quality=optional(_QUALITY),
    statistics_missing=words,
    lines=items(_LINE),
    lines_left=_COUNT,
    certificate=optional(_CERTIFICATE),
    history=items(row(_COUNT, _MAYBE, _MAYBE)),
    moments=optional(_MOMENTS),
    residuals=optional(_RESIDUALS),
    residuals_missing=words,
    equations=items(words),
    notes=items(words),
)
MODEL = record(
    target=text,
    names=items(text),
    w=numbers,
    b=_FIGURE,
    center=numbers,
    b_center=_FIGURE,
    terms=items(_TERM),
    training_means=mapping(_FIGURE),
    options=_OPTIONS,
    n_rows=whole(at_least=1),
    loss=_MAYBE,
    status=choice("converged", "max_iter", "diverged", "non_finite", "interrupted"),
    versions=mapping(words),
    uncertainty=optional(_UNCERTAINTY),
    report=optional(_REPORT),
)


def check_agreement(held: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse what passes `MODEL` and contradicts itself; `names` are those that its terms give.

    Raises
    ------
    Malformed
        The first contradiction.
    """
    terms, options, means, n = held["terms"], held["options"], held["training_means"], len(names)
    for term in terms:
        levels = term["levels"]
        if (term["kind"] == "text") != bool(levels) or len(set(levels)) < len(levels):
            raise Malformed(f"the levels of {term['name']!r} are not those of a {term['kind']} column")
    if len({term["name"] for term in terms}) < len(terms) or len({*names, "(intercept)"}) <= n:
        raise Malformed("'terms' gives two coefficients one name")
    if not names or held["names"] != list(names):
        raise Malformed("'names' are not those that 'terms' gives, in its order")
    for key in ("w", "center"):
        _check_length(key, held[key], n)
    filled = {term["name"] for term in terms if term["kind"] != "text"} if options["missing"] == "mean" else set()
    if set(means) != filled:
        raise Malformed("'training_means' does not hold the columns that options.missing fills")
    if options["test_size"] >= 1.0 or (options["weights"] is not None and not options["weighted"]):
        raise Malformed("'options' contradicts itself")
    if not options["fit_intercept"] and any((held["b"], held["b_center"], *held["center"])):
        raise Malformed("it has an intercept, and options.fit_intercept is false")
    if (uncertainty := held["uncertainty"]) is not None:
        for key in ("center", "across", "covariance"):
            _check_length(f"uncertainty.{key}", uncertainty[key], n)
        if [len(part) for part in uncertainty["covariance"]] != list(range(1, n + 1)):
            raise Malformed("'uncertainty.covariance' is not half a matrix")
        if not Uncertainty.of_dict(uncertainty).proper:
            raise Malformed("'uncertainty.covariance' and 'uncertainty.across' are no covariances")
    if (report := held["report"]) is not None:
        if report["rows"]["used"] != held["n_rows"]:
            raise Malformed("'report.rows.used' is not 'n_rows'")
        _check_report(report, names, options["fit_intercept"])


def _check_report(report: Mapping[str, Any], names: Sequence[str], fit_intercept: bool) -> None:
    lines, rows, n = report["lines"], report["rows"], len(names)
    if rows["rows"] != sum(rows[kind] for kind in ("used", "held_out", "missing", "zero_weight", "bad")):
        raise Malformed("'report.rows' does not add up")
    first = [line["intercept"] for line in lines[:1]] == [True]
    shown = [line["name"] for line in lines[first:]]
    if first != fit_intercept or any(line["intercept"] for line in lines[first:]):
        raise Malformed("'report.lines' and options.fit_intercept contradict each other")
    if shown != [name for name in names if name in set(shown)] or len(shown) + report["lines_left"] != n:
        raise Malformed("'report.lines' does not hold the coefficients in the order of 'names'")
    if (residuals := report["residuals"]) is not None and not (residuals["groups"] and residuals["normal"]):
        raise Malformed("'report.residuals' holds no group of rows")
    if (moments := report["moments"]) is not None:
        _check_moments(moments, n)


def _check_moments(moments: Mapping[str, Any], n: int) -> None:
    for key in ("mean", "norm", "cosines", "target_cosines"):
        _check_length(f"report.moments.{key}", moments[key], n)
    if [len(part) for part in moments["cosines"]] != list(range(n, 0, -1)):
        raise Malformed("'report.moments.cosines' is not half a matrix")
    if not moments_agree(moments):
        raise Malformed("'report.moments' are no moments")


def moments_agree(moments: Mapping[str, Any]) -> bool:
    """Tell whether cosines and norms are those of some columns, but for rounding."""
    rows, norms, n = moments["cosines"], moments["norm"], len(moments["norm"])
    cosines = np.zeros((n, n))
    for j, part in enumerate(rows):
        cosines[j, j:] = cosines[j:, j] = part
    unit = all(abs(part[0] - (norm > 0)) < TOLERANCE for part, norm in zip(rows, norms, strict=True))
    return min(norms, default=0.0) >= 0 and unit and semidefinite(cosines, np.array(moments["target_cosines"]), 1.0)


def _check_length(at: str, values: Sequence[Any], n: int) -> None:
    if len(values) != n:
        raise Malformed(f"{at!r} must have {n} entries, one a coefficient; it has {len(values)}")
