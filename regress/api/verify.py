"""Verify that a model was fitted to the rows of a table, by sums without rounding."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from regress.aggregates.account import describe
from regress.aggregates.part_sums import PartSums
from regress.aggregates.totals_bytes import fingerprint, to_bytes
from regress.api.cluster.table import ClusterTable
from regress.api.load import load
from regress.api.moments.table_moments import TableMoments
from regress.api.read import read_sums
from regress.api.record import MOST_COVARIANCES
from regress.api.result import Fit
from regress.api.sums import Reading
from regress.api.tables import Opened, Where, opened, source_of
from regress.design.terms import Design
from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.keywords import FileKeywords, refuse_unknown, takes
from regress.messages import paragraph, setting, visible
from regress.numerics.atomic_write import strict
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import FileOptions, Progress, TableOptions
from regress.sources.find import find_column


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Verification:
    """The verdict on whether a model was fitted to the rows of a table.

    Attributes
    ----------
    matches : bool
        Whether it was.
    source : str
        The table.
    fingerprint, model_fingerprint : str
        Hashes of the sums over the training rows: of the table, and of the model.
    rows, model_rows : int
        Training rows.
    differences : tuple of str
        Known differences, in sentences.

    Examples
    --------
    >>> import regress
    >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
    >>> fit = regress.fit(table, "y")
    >>> regress.verify(fit, table)
    Verification(the frame: matches)
    >>> print(regress.verify(fit, {"x": [1.0, 2.0, 3.0], "y": [1.1, 2.9, 5.2]}).differences[0])
    The table has 3 rows = 3 used; the model has 4 rows = 4 used.
    """

    matches: bool
    source: str
    fingerprint: str
    model_fingerprint: str
    rows: int
    model_rows: int
    differences: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Verification({visible(self.source)}: {'matches' if self.matches else 'does not match'})"

    def __str__(self) -> str:
        return self.summary()

    def summary(self) -> str:
        """Return the verdict as text.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> fit = regress.fit(table, "y")
        >>> regress.verify(fit, table).summary().splitlines()[0]
        'The model was fitted to the rows of the frame.'
        """
        was = "was" if self.matches else "was not"
        lines = [f"The model {was} fitted to the rows of {self.source}.", *self.differences]
        if self.matches:
            lines += [f"{self.rows:,} training rows, fingerprint of the model's columns {self.fingerprint}"]
        else:
            lines += [
                f"Model: {self.model_rows:,} training rows, fingerprint {self.model_fingerprint}",
                f"Table: {self.rows:,} training rows, fingerprint {self.fingerprint}",
            ]
        return paragraph(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values: what ``regress verify --json`` prints.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> fit = regress.fit(table, "y")
        >>> known = regress.verify(fit, table).to_dict()
        >>> known["matches"], known["rows"]
        (True, 4)
        """
        names = ("matches", "source", "fingerprint", "model_fingerprint", "rows", "model_rows")
        held = {name: getattr(self, name) for name in names}
        return dict(strict({"version": 1, **held, "differences": list(self.differences)}))


@takes(FileOptions)
def verify(
    model: Fit | str | Path,
    table: Any,
    target: Any = None,
    *,
    weights: Any = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    cluster: Any = None,
    cluster_timeout: float = 300.0,
    **options: Unpack[FileKeywords],
) -> Verification:
    """Check whether a model was fitted to the rows of a table.

    The sums over the training rows are compared without rounding. So the order of the rows does not matter, nor how
    they are cut into files, unless rows were held out by their record numbers.

    Parameters
    ----------
    model : Fit, str or Path
        A fit in exact arithmetic on at most 200 columns, or its file.
    table, n_jobs, progress, cluster, cluster_timeout
        As in `fit`.
    target, weights : array of shape (m,), optional
        Their values, where the table has no such columns. A model knows its columns.
    **options

    Returns
    -------
    Verification
        `.matches`, `.differences`, `.summary()`.

    Raises
    ------
    InputError
        If the model has no fingerprint, or the table lacks one of its columns.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.5]}, "y")
    >>> regress.verify(fit, {"x": [3.0, 1.0, 2.0], "y": [7.5, 3.0, 5.0]}).matches
    True
    >>> regress.verify(fit, {"x": [3.0, 1.0, 2.0], "y": [7.5, 3.0, 5.5]}).matches
    False
    """
    refuse_unknown(verify, options)
    if not isinstance(model, Fit | str | Path):
        raise InputError(f"verify takes a fit or its file, not an object of type {type(model).__name__}.")
    fit = model if isinstance(model, Fit) else load(model)
    expected = _fingerprint(fit.record)
    trained, design, known = fit.record.trained, fit.model.design, fit.record.trained.options
    if known.weighted and known.weights is None and weights is None:
        raise InputError("The model was fitted with weights given as values. Pass them again as weights.")
    of_table = TableOptions(
        **options,
        weights=known.weights if weights is None else weights,
        weight_type=known.weight_type,
        missing="drop" if known.missing == "raise" else known.missing,  # counted, not refused
        as_written=known.as_written,
        test_size=known.test_size,
        split_key=known.split_key,
        random_state=known.random_state,
        max_categories=max([100, *(2 * len(variable.levels) for variable in design.texts)]),
    )
    target = trained.target if target is None else target
    with one_blas_thread(), opened(table, target, of_table, Where(cluster, cluster_timeout)) as found:
        sums = _sums(found, target, of_table, design, jobs=resolve_jobs(n_jobs), progress=progress)
    differences = _differences(sums, fit.record, design)
    hashed = fingerprint(to_bytes(sums.training, design.selection.collected))
    return Verification(
        matches=hashed == expected and not differences,
        source=source_of(found).label,
        fingerprint=hashed,
        model_fingerprint=expected,
        rows=sums.tally.used,
        model_rows=trained.n_rows,
        differences=differences,
    )


def _fingerprint(known: FitRecord) -> str:
    """Return the fingerprint of a model, or refuse it for having none."""
    if known.fingerprint:
        return known.fingerprint
    if known.outcome.precision != "exact":
        remedy = f"Fit it again with {setting('precision', 'exact')}."
        raise InputError(f"The model stores no fingerprint of its rows, because it was summed in float64. {remedy}")
    why = (
        f"it has more than {MOST_COVARIANCES} columns"
        if len(known.columns) > MOST_COVARIANCES
        else ("its rows were not summed: there are no more of them than columns")
    )
    raise InputError(f"The model stores no fingerprint of its rows, because {why}. Use certify in place of verify.")


def _sums(
    table: Opened, target: Any, options: TableOptions, design: Design, *, jobs: int, progress: Progress | None
) -> PartSums:
    """Return the sums over a table, whose levels are found again."""
    if isinstance(table, TableMoments):
        for name in design.columns:
            find_column(table.source, name, "a feature of the model")
        if table.target != target:
            raise InputError(
                f"{table.label} holds sums for the target {table.target!r}, and the model predicts {target!r}."
            )
        return table.sums
    reading = Reading("moments", jobs, "exact", summed=True, design=design.reopened())
    cluster = table if isinstance(table, ClusterTable) else None
    return read_sums(table, target, options, reading, progress, cluster=cluster)[1]


def _differences(sums: PartSums, known: FitRecord, design: Design) -> tuple[str, ...]:
    """Return what differs from the rows of a model, as far as sums tell."""
    here, there, found = sums.tally, known.outcome.rows, []
    if describe(here) != describe(there):
        found.append(f"The table has {describe(here)}; the model has {describe(there)}.")
    levels = sums.counted.levels()
    for variable in design.texts:
        here_too = [*levels.get(variable.name, ())]
        if odd := sorted({*here_too} ^ {*variable.levels}):
            where = "the table" if odd[0] in here_too else "the model"
            found.append(f"Column {variable.name!r} has the category {odd[0]!r} only in {where}.")
    return tuple(found)
