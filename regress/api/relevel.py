"""A fit with another reference level, without the rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from regress.aggregates.collect import summary_of
from regress.aggregates.totals import moments_of
from regress.api.model import LinearModel
from regress.api.record import Inference
from regress.api.sums import ReadTable, assembled
from regress.design.references import compared
from regress.design.roles import Values
from regress.design.split import Split
from regress.design.terms import Design
from regress.errors import InputError, check_text
from regress.fit_record import FitOptions, FitRecord
from regress.numerics.threads import one_blas_thread
from regress.options import TrainOptions
from regress.solvers.train import Regression
from regress.sources.summed import SummedSource


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """Trains a fit again from its exact totals, with another design. It holds no row but those of the sample.

    Attributes
    ----------
    read, options, kept, reason : ReadTable, TrainOptions, FitOptions, str
        How the fit came about.
    train : callable
        `regress.api.fit.train`.
    """

    read: ReadTable
    options: TrainOptions
    kept: FitOptions
    reason: str
    train: Callable[..., Any]

    def __call__(self, design: Design) -> Inference:
        """Return the fit."""
        read, data = self.read, self.read.data
        assert read.sums is not None
        assert data.sums is not None
        totals = data.sums.finish().select(design.selection)
        moments = moments_of(totals, totals.targets)
        data = replace(data, summary=summary_of(moments), moments=moments, totals=totals)
        found = assembled(read.reader, read.sums, design, data, read.n_jobs)
        facts = replace(found.facts, split_key=read.facts.split_key, of_source=read.facts.of_source)
        found = replace(found, facts=facts)
        with one_blas_thread():
            regression = Regression(data, self.options, found.names)
            fit, _ = self.train(found, regression, self.options, self.kept, self.reason)
        held: Inference = fit._held
        return held


def without_rows(read: ReadTable) -> ReadTable | None:
    """Return a table as it was read without anything that reads its rows again.

    There is only None where its sums are not exact, or have no reference level that another could replace.
    """
    data, reader = read.data, read.reader
    exact = data.sums is not None and data.rows is None and data.exact
    if not exact or not any(compared(reader.design, variable.name) for variable in reader.design.texts):
        return None
    source = SummedSource(reader.source.label, reader.source.columns, reader.source.dialect)
    target, weights = (None if v is None else Values(v.name, None) for v in (reader.target, reader.weights))
    assert target is not None
    bare = replace(reader, source=source, target=target, weights=weights, split=Split())
    data = replace(data, again=None, elsewhere=None)
    return replace(read, data=data, reader=bare, sample=None, held_out=None, index=())


class Releveling:
    """The method of a fit that chooses another reference level."""

    _bare: LinearModel
    _held: FitRecord | Inference

    def relevel(self, column: str, level: Any) -> Self:
        """Return the same fit with another reference level of a text column. The data is not read.

        Predictions are the same. A fit in exact arithmetic is trained again from its sums, so that it has the same bits
        as with ``ref={column: level}``. Of others, such as fits read from a file, with robust errors or of a target
        such as log(y), figures are sums of known numbers, rounded once. Then the certificate, its digits, the hash of
        the sums, and notes on levels of the column are dropped, as is the condition number beyond 50 columns.

        Parameters
        ----------
        column : str
            The text column.
        level : str
            One of its levels.

        Raises
        ------
        InputError
            If the column has no such level, there is a penalty, or columns depend on each other.

        Examples
        --------
        >>> import regress
        >>> table = {"zone": ["north", "north", "south", "south"], "y": [1.0, 3.0, 5.0, 8.0]}
        >>> fit = regress.fit(table, "y").relevel("zone", "south")
        >>> fit.names, fit.w.tolist(), fit.b
        (('zone=north',), [-4.5], 6.5)
        """
        from regress.api.releveled_record import changed
        from regress.design.relevel import again, releveled

        check_text("column", column, "the name of a text column")
        held, bare = self._held, self._bare
        trained, outcome = bare.trained, held.outcome
        if trained.options.alpha or trained.options.penalty:
            raise InputError(f"With a penalty the predictions depend on the reference level. {again()}")
        unique = outcome.rank is None or outcome.rank + len(outcome.constant) == len(bare.names)
        if outcome.dropped or outcome.equations or outcome.near_equations or not unique:
            raise InputError(f"Columns of the fit depend on each other, so its coefficients are not unique. {again()}")
        design = releveled(bare.design, column, str(level))
        own = {of_x.name for of_x in bare.design.x_columns() if column in of_x.levels}
        if empty := [name for name in outcome.constant if name in own]:
            raise InputError(f"No training row has {empty[0]}, so the coefficients are not unique. {again()}")
        if design == bare.design:
            return self
        if isinstance(held, FitRecord) or held.again is None:
            whole = bare if isinstance(held, FitRecord) else replace(bare, uncertainty=held.uncertainty)
            model, record = changed(whole, held if isinstance(held, FitRecord) else held.record, design)
            return type(self)(_bare=model, _held=record)  # type: ignore[call-arg]  # a Fit, which has these fields
        made = held.again(design)
        made = replace(made, outcome=replace(made.outcome, command=outcome.command))
        return type(self)(_bare=made.model, _held=made)  # type: ignore[call-arg]  # a Fit, which has these fields
