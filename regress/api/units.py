"""The units in which a fit predicts: those of a column, if the target is a transform of it such as log(y)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from regress.api.sums import ReadTable
from regress.blocks import Block
from regress.design.formula.expression import Expression
from regress.errors import InputError, check_choice, check_switch, check_whole
from regress.fit_record import FitOptions
from regress.inference.residuals import Sampled, sampled
from regress.inference.retransform import normal, r2_original, sentence, smearing, transform_of
from regress.inference.sums_of_squares import Squares
from regress.messages import setting
from regress.options import Correction
from regress.solvers.solution import Training
from regress.term_records import Retransform

_TRANSFORMS = "log(y), log1p(y), log2(y), log10(y) and sqrt(y)"


def check_sample(sample: int, points: bool) -> None:
    """Refuse an invalid size of the sample, and points without rows.

    Raises
    ------
    InputError
        Then.
    """
    check_whole("sample", sample, 0)
    if check_switch("points", points) and not sample:
        raise InputError(f"{setting('points')} needs rows. Remove {setting('sample', 0)}.")


def check_asked(asked: Any, formula: str | None, sample: int) -> None:
    """Refuse a correction that the target of a formula does not take, or that needs a sample where none is kept.

    Raises
    ------
    InputError
        If it is such a one.
    """
    if asked is None:
        return
    check_choice("retransform", asked, get_args(Correction))
    from regress.design.formula.parser import parse_formula

    expression = None if formula is None else parse_formula(formula).target
    if expression is None or transform_of(expression) is None:
        raise _no_transform(asked, "not one of them" if expression is None else str(expression))
    if asked == "smearing" and not sample:
        raise _no_rows()


def retransform_of(
    prepared: ReadTable, training: Training, squares: Squares, options: FitOptions, asked: Correction | None
) -> tuple[Retransform | None, list[str]]:
    """Return how predictions get the units of the column of which the target is a transform, and notes on that.

    Parameters
    ----------
    prepared, training, squares, options
        The table, and the fit to it.
    asked : str, optional
        The correction. By default it is smearing or, where no training rows are kept, that of normal errors.

    Raises
    ------
    InputError
        If the target is no such transform and a correction was asked for, or there is nothing to correct by.
    """
    target, expression = prepared.reader.target.name, _expression(prepared)
    found = None if expression is None else transform_of(expression)
    if found is None:
        if asked is not None:
            raise _no_transform(asked, target)
        own = f"Predictions are in units of {target}. Only {_TRANSFORMS} of a column y are transformed back."
        return None, [] if expression is None else [own]
    transform, column = found
    rows = None if prepared.sample is None else _sampled([prepared.sample], training)
    if rows is None and asked == "smearing":
        raise _no_rows()
    correction: Correction = asked or ("normal" if rows is None else "smearing")
    by: dict[str, float] = {}
    if correction == "smearing" and rows is not None:
        by = smearing(transform, rows)
    elif correction == "normal":
        by = normal(transform, _variance(prepared, training, squares, options))
    if not np.isfinite([*by.values()]).all() or by.get("factor") == 0.0:
        ended = "" if training.status.as_asked else f"{training.status.message} "
        raise InputError(
            f"{ended}The residuals of {target} are too large to correct predictions of {column} by them. "
            f"Use {setting('retransform', 'naive')}."
        )
    kept = 0 if rows is None else len(rows.actual)
    how = Retransform(transform=transform, column=column, correction=correction, rows=kept, **by)
    held = prepared.held_out
    how = replace(
        how,
        r2_original=None if rows is None else r2_original(how, rows),
        r2_test_original=r2_original(how, _sampled(held.rows, training)) if held is not None and held.rows else None,
    )
    note = [sentence(how), *["Limits of intervals are not corrected."] * (correction != "naive")]
    note.append(f"All other figures are those of {target}.")
    if asked is None and rows is None:
        note.append("No training rows were kept for smearing, so the correction is that of normal errors.")
    return how, [" ".join(note)]


def _expression(prepared: ReadTable) -> Expression | None:
    """Return what the target is computed by; None where it is a column, or values."""
    target, computed = prepared.reader.target, prepared.reader.design.computed
    return next((c.expression for c in computed if target.array is None and c.name == target.name), None)


def _sampled(blocks: Sequence[Block], training: Training) -> Sampled:
    """Return ŷ, y and the weights of some rows: weights that count equal rows, too."""
    found = [sampled(block, training.w, training.center, training.b_center, repeated=False) for block in blocks]
    parts = zip(*(rows[:4] for rows in found), strict=True)
    return Sampled(*(np.concatenate(part) for part in parts))


def _variance(prepared: ReadTable, training: Training, squares: Squares, options: FitOptions) -> float:
    """Return the residual variance of a row of mean weight.

    Raises
    ------
    InputError
        If there are no degrees of freedom.
    """
    summary = prepared.data.summary
    rows = summary.weight if options.weight_type == "frequency" else float(summary.rows)
    freedom = 0.0 if training.rank is None else rows - training.rank - options.fit_intercept
    if freedom <= 0.0:
        raise InputError(
            "There are no degrees of freedom for a residual variance. "
            f"Use fewer columns, or {setting('retransform', 'naive')}."
        )
    return (squares.residual + squares.excess) * squares.unit**2 / summary.weight * (rows / freedom)


def _no_rows() -> InputError:
    return InputError(
        f"{setting('retransform', 'smearing')} needs residuals, and no training rows are kept. "
        f"Use {setting('retransform', 'normal')}, or keep a {setting('sample')} of them."
    )


def _no_transform(asked: str, target: str) -> InputError:
    return InputError(
        f"{setting('retransform', asked)} is for the targets {_TRANSFORMS}, y a column, and the target is {target}. "
        f"Remove it, or write such a target in a formula."
    )
