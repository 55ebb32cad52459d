"""What is shown of an inspection, as plain values: columns of a table, and the terms of a formula."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRecord:
    """One column of an inspection: see `regress.api.inspect_columns.ColumnReport`."""

    name: str
    kind: str
    missing: int
    mean: float | None
    spread: float | None
    low: float | None
    high: float | None
    n_levels: int
    levels: tuple[str, ...]
    looks_like_id: bool
    dtype: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaRecord:
    """What a term of a formula becomes: how its columns of X are computed, how many there are, and what they hold.

    `name` has … in place of levels. What is not known before a fit is None.
    """

    name: str
    term: str
    kind: str
    columns: int
    computed: str
    references: tuple[str, ...]
    missing: int | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRecord:
    """What is shown of an inspection: see `regress.api.inspect.Inspection`."""

    label: str
    read_as: str
    rows: int
    bad: int
    columns: tuple[ColumnRecord, ...]
    formula: str
    terms: tuple[FormulaRecord, ...]
    remarks: tuple[str, ...]
    command: str
