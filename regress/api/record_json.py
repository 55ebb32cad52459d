"""The record of a fit as the command line prints it: strict JSON; see docs/reference/files.md."""

from dataclasses import asdict
from typing import Any

from regress.fit_record import FitRecord
from regress.numerics.atomic_write import strict
from regress.records import INTERCEPT, TESTS


def fit_json(known: FitRecord) -> dict[str, Any]:
    """Return what the command line prints of a fit."""
    trained, outcome, columns = known.trained, known.outcome, known.columns
    intercept = [line for line in known.coefficients if line.name == INTERCEPT]
    digits = {line.name: line.digits for line in columns}
    of_b = intercept[0].digits if intercept else None
    held: dict[str, Any] = {
        "version": 1,
        "target": trained.target,
        "source": outcome.source,
        "read_as": outcome.read_as,
        "retransform": None if trained.retransform is None else asdict(trained.retransform),
        "options": asdict(trained.options),
        "columns": list(dict.fromkeys(line.column for line in columns)),
        "reference_levels": dict(known.references),
        "coef": {line.name: line.coef for line in columns},
        "intercept": intercept[0].coef if intercept else 0.0,
        "loss": trained.loss,
        "n_rows": trained.n_rows,
        "rows": asdict(outcome.rows),
        "status": trained.status,
        "digits": None if known.certificate is None else {"coef": digits, "intercept": of_b},
        "digits_at_least": None if None in digits.values() else digits,
    }
    for name in ("r2", "r2_test", "rank", "equations", "near_equations", "constant", "dropped", "n_iter", "solver"):
        held[name] = getattr(outcome, name)
    held |= {"huber_scale": outcome.huber_scale, "outliers": outcome.outliers}
    held |= {name: getattr(outcome, name) for name in ("gap", "best_epoch", "validation_rows")}
    held |= {"over": outcome.over, "gradient": trained.options.gradient}
    held |= {"precision": outcome.precision, "precision_reason": outcome.precision_reason}
    held["terms"] = {test.term: {"df": test.df, "f": test.f, "p_value": test.p_value} for test in known.terms.tests}
    held["statistics"] = None if known.figures is None else _statistics(known)
    held |= {"statistics_missing": known.statistics_missing, "notes": outcome.notes}
    return dict(strict(held))


def _statistics(known: FitRecord) -> dict[str, Any]:
    """Return the tests of each coefficient by name, the figures of the fit, and inflation factors by column."""
    assert known.figures is not None
    tests = {test: {line.name: getattr(line, test) for line in known.coefficients} for test in TESTS}
    return tests | asdict(known.figures) | {"vif": {line.name: line.vif for line in known.columns}}
