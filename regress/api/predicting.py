"""Predictions of a model, in batches of bounded size."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple, Unpack, get_args

import numpy as np

from regress.blocks import Array
from regress.design.encode import Encoder, altered_note
from regress.design.formula.computed import ComputedSource
from regress.design.formula.computed_batch import ComputedBatch
from regress.design.matrix import Layout
from regress.design.plan import match
from regress.design.rows import all_of
from regress.design.terms import Design
from regress.errors import DataWarning, InputError, UnknownOptionError, check_choice
from regress.fit_record import Trained
from regress.inference.prediction_intervals import Uncertainty, checked
from regress.inference.retransform import in_units
from regress.keywords import FileKeywords, refuse_unknown, takes
from regress.numerics.prediction import check_range, line
from regress.numerics.threads import resolve_jobs
from regress.options import FileOptions, HandleUnknown
from regress.records import PREDICTIONS
from regress.sources.arrays import ArraySource
from regress.sources.base import Batch, Source
from regress.sources.find import find_column
from regress.sources.open import open_table


class Predictions(NamedTuple):
    """ŷ (m,) of one batch of rows, or (m, 3) with `regress.records.PREDICTIONS`: NaN where a cell is missing."""

    batch: Batch
    values: Array


class Predicting:
    """The predictions of a model, for a table, a row, or in batches."""

    __slots__ = ()

    w: Array
    center: Array
    b_center: float
    design: Design
    trained: Trained
    uncertainty: Uncertainty | None

    @takes(FileOptions)
    def predict(self, table: Any, *, handle_unknown: HandleUnknown = "error", **files: Unpack[FileKeywords]) -> Array:
        """Return ŷ (m,) for every row of a table: NaN where a used cell is missing, or a row is bad and skipped.

        Of a target such as log(y) these are predictions of y: see the option `retransform` of `fit`.

        Columns are found by name: their order does not matter, and others are ignored. An array is taken by position.

        Parameters
        ----------
        table : path, glob, folder, frame or array of shape (m, n)
            Rows to predict.
        handle_unknown : {"error", "reference"}
            Categories that training did not see: stop, or predict as the reference level.
        **options

        Raises
        ------
        TableError
            If a column is missing, or text holds a level that training did not see.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> model = regress.fit(table, "y").model
        >>> model.predict({"x": [5.0, 6.0]}).round(2).tolist()
        [8.85, 10.79]
        """
        if "interval" in files or "level" in files:
            raise UnknownOptionError("predict returns predictions alone. Use predict_interval(table, level).")
        refuse_unknown(Predicting.predict, files)
        source = open_table(table, FileOptions(**files))
        check_choice("handle_unknown", handle_unknown, get_args(HandleUnknown))
        no_dates = all(variable.kind != "date" for variable in self.design.variables)
        if isinstance(source, ArraySource) and self.design.plain and no_dates and not self.design.formula:
            X = source.named(self.design.columns).array
            values = line(X, self.w, self.center, self.b_center, resolve_jobs(None))
            if np.isfinite(values).all():  # so no cell is missing
                return values
        parts = [part.values for part in self.predict_batches(source, handle_unknown=handle_unknown)]
        return np.concatenate(parts) if parts else np.empty(0)

    def predict_one(self, row: Mapping[str, Any], *, handle_unknown: HandleUnknown = "error") -> float:
        """Return ŷ of one row in microseconds, NaN where a used cell is missing: what `predict` returns for its table.

        Parameters
        ----------
        row : mapping of str to number, text, date or None
            The row's cells by column. Other columns are ignored; None and NaN are missing.
        handle_unknown : {"error", "reference"}
            A category that training did not see: stop, or predict as the reference level.

        Raises
        ------
        TableError
            If a column is missing, or a cell is not what training saw.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "color": ["red", "blue", "red", "blue"], "y": [1.0, 5.0, 3.0, 8.0]}
        >>> model = regress.fit(table, "y").model
        >>> round(model.predict_one({"x": 5.0, "color": "red"}), 6)
        5.75
        """
        from regress.design.one_row import ROW, encode_row

        if not isinstance(row, Mapping):
            raise InputError(f"predict_one takes one row as a dict, not {type(row).__name__}. Pass tables to predict.")
        check_choice("handle_unknown", handle_unknown, get_args(HandleUnknown))
        X, altered = encode_row(row, self.design, handle_unknown)
        if X is None:
            return nan
        values = in_units(self.trained.retransform, line(X, self.w, self.center, self.b_center))
        check_range(values, ROW)
        if altered:
            warnings.warn(altered_note(altered), DataWarning, stacklevel=2)
        return float(values[0])

    @takes(FileOptions)
    def predict_interval(
        self,
        table: Any,
        level: float | None = None,
        *,
        handle_unknown: HandleUnknown = "error",
        **files: Unpack[FileKeywords],
    ) -> Any:
        """Return ŷ and prediction intervals for every row of a table: NaN where `predict` returns NaN.

        Parameters
        ----------
        table : path, glob, folder, frame or array of shape (m, n)
            Rows to predict.
        level : float, optional
            The probability with which an interval covers a new value of the target. Default: the level of the fit.
        handle_unknown : {"error", "reference"}
            Categories that training did not see: stop, or predict as the reference level.
        **options

        Returns
        -------
        DataFrame
            The columns prediction, pi_low and pi_high, with the row labels of a pandas frame. Of a target such as
            log(y) they are of y, and the limits have no correction: exp of those of log(y).

        Raises
        ------
        InputError
            If it knows none: trained with a penalty, without degrees of freedom, on more than 200 columns.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> model = regress.fit(table, "y").model
        >>> model.predict_interval({"x": [5.0]}, level=0.9).round(2)
           prediction  pi_low  pi_high
        0        8.85    7.92     9.78
        """
        from regress.sources.frames import of_columns

        refuse_unknown(Predicting.predict_interval, files)
        source = open_table(table, FileOptions(**files))
        level = self.trained.options.level if level is None else level
        parts = [part.values for part in self.predict_batches(source, level=level, handle_unknown=handle_unknown)]
        values = np.concatenate(parts) if parts else np.empty((0, len(PREDICTIONS)))
        return of_columns(dict(zip(PREDICTIONS, values.T, strict=True)), index=source.index)

    def predict_batches(
        self,
        source: Source,
        keep: Sequence[str] = (),
        level: float | None = None,
        handle_unknown: HandleUnknown = "error",
    ) -> Iterator[Predictions]:
        """Predict in batches of bounded size, together with the columns to `keep`.

        A kept column that the model does not use is read as text, as it is written.

        Examples
        --------
        >>> import regress
        >>> from regress.sources.open import open_table
        >>> model = regress.fit({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y").model
        >>> [part.values.tolist() for part in model.predict_batches(open_table({"x": [4.0, 5.0]}))]
        [[9.0, 11.0]]
        """
        uncertainty = None if level is None else checked(self.uncertainty, level)
        check_choice("handle_unknown", handle_unknown, get_args(HandleUnknown))
        source = match(source, self.design)
        for name in keep:
            find_column(source.base if isinstance(source, ComputedSource) else source, name, "a column to keep")
        computed = [c.reads for c in self.design.computed if c.name in self.design.columns]
        used = {*self.design.columns, *(name for reads in computed for name, _ in reads)}
        source = source.read_as({name: "text" for name in keep if name not in used})
        encoder = Encoder(self.design, source, handle_unknown=handle_unknown)
        layout = Layout(self.design, encoder.levels)
        for batch in source.batches(list(dict.fromkeys([*self.design.columns, *keep]))):
            encoded = encoder.encode(batch, None if batch.bad is None else ~batch.bad)
            X = layout.final(_side_by_side(encoded.numbers, batch.rows), _side_by_side(encoded.codes, batch.rows))
            half_width = None if level is None or uncertainty is None else uncertainty.half_width(X, level)
            values = in_units(self.trained.retransform, line(X, self.w, self.center, self.b_center), half_width)
            if (sound := all_of(encoded.whole, None if batch.bad is None else ~batch.bad)) is not None:
                values[~sound] = np.nan
            check_range(values if sound is None else values[sound], source.label)
            yield Predictions(batch.base if isinstance(batch, ComputedBatch) else batch, values)
        if encoder.altered:
            warnings.warn(altered_note(encoder.altered), DataWarning, stacklevel=3)


def _side_by_side(columns: Any, rows: int) -> Any:
    together = columns.T if isinstance(columns, np.ndarray) else np.column_stack(columns) if len(columns) else None
    return np.empty((rows, 0)) if together is None else together
