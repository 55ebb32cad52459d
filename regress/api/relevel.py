"""A fit with another reference level, without the rows."""

from dataclasses import replace
from typing import Any

from regress.aggregates.collect import summary_of
from regress.aggregates.totals import moments_of
from regress.api.fit import train
from regress.api.record import Inference
from regress.api.releveled_record import changed
from regress.api.result import Fit
from regress.api.sums import ReadTable, assembled
from regress.design.relevel import again, releveled
from regress.design.terms import Design
from regress.errors import InputError, check_text
from regress.numerics.threads import one_blas_thread
from regress.solvers.train import Regression


def relevel(fit: Fit, column: str, level: Any) -> Fit:
    """Return the same fit with another reference level; see `Fit.relevel`."""
    check_text("column", column, "the name of a text column")
    _refuse_others(fit)
    design = releveled(fit._bare.design, column, str(level))
    if design == fit._bare.design:
        return fit
    held = fit._held
    if isinstance(held, Inference) and held.read is not None:
        return _trained_again(held, held.read, design)
    return changed(fit, design)


def _refuse_others(fit: Fit) -> None:
    """Refuse fits whose predictions depend on the reference level, or whose coefficients are not unique."""
    trained, outcome = fit._bare.trained, fit._held.outcome
    if trained.options.alpha or trained.options.penalty:
        raise InputError(f"With a penalty the predictions depend on the reference level. {again()}")
    unique = outcome.rank is None or outcome.rank + len(outcome.constant) == len(fit.names)
    if outcome.dropped or outcome.equations or outcome.near_equations or not unique:
        raise InputError(f"Columns of the fit depend on each other, so its coefficients are not unique. {again()}")


def _trained_again(held: Inference, read: ReadTable, design: Design) -> Fit:
    """Train from the exact sums that the fit was made of: no bit differs from a fit of the rows."""
    assert read.sums is not None
    assert read.data.sums is not None
    totals = read.data.sums.finish().select(design.selection)
    moments = moments_of(totals, totals.targets)
    data = replace(read.data, summary=summary_of(moments), moments=moments, totals=totals)
    prepared = assembled(read.reader, read.sums, design, data, read.n_jobs)
    facts = replace(prepared.facts, split_key=read.facts.split_key, of_source=read.facts.of_source)
    prepared, outcome = replace(prepared, facts=facts), held.outcome
    with one_blas_thread():
        regression = Regression(data, held.options, prepared.names)
        fit, _ = train(prepared, regression, held.options, held.model.trained.options, outcome.precision_reason)
    return fit.with_command(outcome.command) if outcome.command else fit
