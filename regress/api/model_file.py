"""What a fit's file holds: the model and the record as JSON, checked by their types, and what must agree among them.

Whatever passes could have been saved; see docs/reference/files.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, get_type_hints

import numpy as np

from regress.aggregates.plain_moments import to_moments
from regress.api.json_schema import (
    Check,
    Malformed,
    items,
    number,
    numbers,
    of,
    optional,
    record,
    text,
)
from regress.api.model import LinearModel
from regress.design.plain import PlainDesign
from regress.design.terms import Design
from regress.fit_record import FitRecord, PlainMoments, Trained
from regress.inference.prediction_intervals import TOLERANCE, Uncertainty, semidefinite
from regress.inference.retransform import transform_of
from regress.numerics.atomic_write import strict
from regress.numerics.whole_sum import contradicts, implied_intercept
from regress.records import INTERCEPT
from regress.term_records import Retransform

FORMAT, VERSION = "regress-model", 7


@cache
def schema() -> Check:
    """Return the check of the file, except for its format and version; parts of the record come as its types."""
    uncertainty = record(
        df_resid=number(above=0.0),
        variance=number(above=0.0),
        center=numbers,
        covariance=items(numbers),
        across=numbers,
        of_center=number(at_least=0.0),
    )
    return record(
        **_fields(Trained),
        names=items(text),
        w=numbers,
        b=number(),
        center=numbers,
        b_center=number(),
        design=of(PlainDesign),
        uncertainty=optional(uncertainty),
        record=record(**_fields(FitRecord, without="trained")),
    )


def _fields(kind: type, without: str = "") -> dict[str, Check]:
    hints = get_type_hints(kind, include_extras=True)
    return {name: of(hint) for name, hint in hints.items() if name != without}


def written(model: LinearModel, known: FitRecord) -> str:
    """Return the text of the file, a line a key."""
    parts = {name: value for name, value in asdict(known).items() if name != "trained"}
    held = {"format": FORMAT, "version": VERSION, **model.to_dict(), "record": strict(parts)}
    lines = [f" {json.dumps(name)}: {_dumped(value)}" for name, value in held.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _dumped(value: Any) -> str:
    return json.dumps(value, allow_nan=False, default=np.generic.item)


def record_of(held: Mapping[str, Any]) -> FitRecord:
    """Return the record of what passed `schema`."""
    trained = Trained(**{name: held[name] for name in Trained.__dataclass_fields__})
    return FitRecord(trained=trained, **held["record"])


def check_agreement(held: Mapping[str, Any], design: Design) -> None:
    """Refuse what passes `schema` and contradicts itself.

    Raises
    ------
    Malformed
        The first contradiction.
    """
    options, names = held["options"], design.names
    n = len(names)
    if len({*names, INTERCEPT}) <= n:
        raise Malformed("'design' gives two coefficients one name")
    if not names or held["names"] != list(names):
        raise Malformed("'names' are not those that 'design' gives, in its order")
    for key in ("w", "center"):
        _check_length(key, held[key], n)
    if set(design.fills) != (set(design.numbers) if options.missing == "mean" else set()):
        raise Malformed("'design.training_means' does not hold the columns that options.missing fills")
    if options.test_size >= 1.0 or (options.weights is not None and not options.weighted):
        raise Malformed("'options' contradicts itself")
    if not options.fit_intercept and any((held["b"], held["b_center"], *held["center"])):
        raise Malformed("it has an intercept, and options.fit_intercept is false")
    if (uncertainty := held["uncertainty"]) is not None:
        for key in ("center", "across", "covariance"):
            _check_length(f"uncertainty.{key}", uncertainty[key], n)
        if [len(part) for part in uncertainty["covariance"]] != list(range(1, n + 1)):
            raise Malformed("'uncertainty.covariance' is not half a matrix")
        if not Uncertainty.of_dict(uncertainty).proper:
            raise Malformed("'uncertainty.covariance' and 'uncertainty.across' are not covariances")
    line = np.array(held["w"]), np.array(held["center"]), held["b_center"]
    if contradicts(held["b"], implied_intercept(*line), *line):
        raise Malformed(f"its intercept b is {held['b']!r}, but w, center and b_center give another one")
    _check_units(held["retransform"], held, design)
    _check_record(record_of(held), held, design)


def _check_units(how: Retransform | None, held: Mapping[str, Any], design: Design) -> None:
    """Refuse units of predictions that are not those of the target, and a correction with figures of another."""
    found = next((transform_of(c.expression) for c in design.computed if c.name == held["target"]), None)
    if found != (None if how is None else (how.transform, how.column)):
        raise Malformed("'retransform' is not of the target that 'design' computes")
    if how is None:
        return
    root = how.transform == "sqrt"
    naive, smeared = how.correction == "naive", how.correction == "smearing"
    factor, mean, square = naive or root, naive or not (root and smeared), naive or not root  # which have no effect
    if (factor and how.factor != 1.0) or (mean and how.mean) or (square and how.square):
        raise Malformed("'retransform' has a figure that its transform and correction do not have")
    if how.mean * how.mean > how.square * (1.0 + TOLERANCE) or how.rows > held["n_rows"]:
        raise Malformed("'retransform' contradicts itself")
    if not how.rows and (smeared or how.r2_original is not None):
        raise Malformed("'retransform' is of no rows")


def _check_record(known: FitRecord, held: Mapping[str, Any], design: Design) -> None:
    rows, lines, figures = known.outcome.rows, known.coefficients, known.figures
    if rows.used != held["n_rows"]:
        raise Malformed("'record.outcome.rows.used' is not 'n_rows'")
    if rows.rows != rows.used + rows.held_out + rows.missing + rows.zero_weight + rows.bad:
        raise Malformed("'record.outcome.rows' does not add up")
    if dict(known.references) != design.references:
        raise Malformed("'record.references' are not those of 'design'")
    intercept: list[tuple[str, str | None, str | None, float]] = [(INTERCEPT, None, None, held["b"])]
    expected = intercept if held["options"].fit_intercept else []
    expected += [(*origin, w) for origin, w in zip(design.origins, held["w"], strict=True)]
    if [(line.name, line.column, line.level, line.coef) for line in lines] != expected:
        raise Malformed("'record.coefficients' are not those of 'design', 'w' and 'b'")
    if (figures is None) != bool(known.statistics_missing):
        raise Malformed("'record.figures' and 'record.statistics_missing' contradict each other")
    if figures is None and any(line.std_err is not None for line in lines):
        raise Malformed("'record.coefficients' has standard errors, and 'record.figures' is missing")
    dropped = set(known.outcome.dropped)
    for status, names in (("constant", {*known.outcome.constant} - dropped), ("dropped", dropped)):
        if {line.name for line in lines if line.status == status} != names:
            raise Malformed(f"'record.coefficients' and 'record.outcome.{status}' contradict each other")
    if (known.residuals is None) != bool(known.residuals_missing):
        raise Malformed("'record.residuals' and 'record.residuals_missing' contradict each other")
    if not known.outcome.scored and known.outcome.r2_test is not None:
        raise Malformed("'record.outcome.r2_test' is of no rows")
    if known.residuals is not None and not (known.residuals.groups and known.residuals.normal):
        raise Malformed("'record.residuals' holds no group of rows")
    if known.moments is not None:
        _check_moments(known.moments, len(design.names))


def _check_moments(moments: PlainMoments, n: int) -> None:
    for key in ("mean", "norm", "cosines", "target_cosines"):
        _check_length(f"record.moments.{key}", getattr(moments, key), n)
    if [len(part) for part in moments.cosines] != list(range(n, 0, -1)):
        raise Malformed("'record.moments.cosines' is not half a matrix")
    if not moments_agree(moments):
        raise Malformed("'record.moments' are not moments")


def moments_agree(moments: PlainMoments) -> bool:
    """Tell whether cosines and norms are those of some columns, except for rounding."""
    rows, norms, n = moments.cosines, moments.norm, len(moments.norm)
    cosines = np.zeros((n, n))
    for j, part in enumerate(rows):
        cosines[j, j:] = cosines[j:, j] = part
    unit = all(abs(part[0] - (norm > 0)) < TOLERANCE for part, norm in zip(rows, norms, strict=True))
    plausible = min(norms, default=0.0) >= 0 and unit
    if not plausible or not semidefinite(cosines, np.array(moments.target_cosines), 1.0):
        return False
    try:
        to_moments(moments)
    except ValueError:
        return False  # beyond the range of a double
    return True


def _check_length(at: str, values: Sequence[Any], n: int) -> None:
    if len(values) != n:
        raise Malformed(f"{at!r} must have {n} entries, one a coefficient; it has {len(values)}")
