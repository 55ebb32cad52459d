"""Rows that cannot be used: refused with their place, or skipped, counted and kept apart."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from regress.errors import TableError
from regress.messages import setting
from regress.numerics.atomic_write import write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row that cannot be used: its place in a block, what is wrong, what to do, its text.

    `column` is the one whose cell is not what the column is, if that is what is wrong.
    """

    record: int
    line: int
    reason: str
    remedy: str
    text: str
    column: str = ""


class CellError(TableError):
    """A cell of a column is not what the column is, as far as its first cells tell."""

    def __init__(self, message: str, column: str) -> None:
        super().__init__(message)
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        return CellError, (str(self), self.column)


class SkippedRow(NamedTuple):
    """A row that was skipped, and why; `column` is the one whose cell is bad, and "" where the row is."""

    file: str
    line: int
    reason: str
    text: str
    column: str


@dataclass(slots=True)
class Skipped:
    """What a pass over some partitions skipped, and what it read, to tell whether that is too much.

    Attributes
    ----------
    rows : list of SkippedRow
        The rows skipped.
    good, read : mapping
        Good cells of columns with bad ones, and rows read of each file.
    """

    rows: list[SkippedRow] = field(default_factory=list)
    good: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)

    def merge(self, other: "Skipped") -> None:
        """Add what another pass skipped."""
        self.rows += other.rows
        self.good.update(other.good)
        self.read.update(other.read)


class Rejects:
    """Refuses rows, or skips at most `most` of them and writes them to a file: file, line, reason, text.

    One is shared by the files of a table. In another process it begins anew.
    """

    def __init__(self, skip: bool = False, path: str | Path | None = None, most: int = 1000) -> None:
        self.skip, self._path, self._most = skip, path, most
        self.columns = Counter[str]()  # how many rows were skipped for a cell of a column
        self.skipped = Skipped()

    def __reduce__(self) -> tuple[Any, ...]:
        return Rejects, (self.skip, self._path, self._most)

    @property
    def files(self) -> Counter[str]:
        """How many rows of a file were skipped."""
        return Counter(row.file for row in self.skipped.rows)

    def take(self, skipped: Skipped) -> None:
        """Take what another pass skipped for what this one did.

        Raises
        ------
        TableError
            If more rows are bad than are allowed.
        """
        self.skipped = skipped
        self.columns = Counter(row.column for row in skipped.rows if row.column)
        self._check_count()

    def begin(self, file: str | None = None, lines: range | None = None) -> None:
        """Forget what an earlier reading of all files, of one or of some lines of it, skipped."""
        if file is None:
            self.skipped = Skipped()
        self.skipped.rows = [
            row for row in self.skipped.rows if file != row.file or not (lines is None or row.line in lines)
        ]
        self.columns = Counter(row.column for row in self.skipped.rows if row.column)

    def refuse(self, file: str, line: int, faults: Sequence[Fault]) -> None:
        """Refuse the faults of a block whose first line is `line`, unless rows are to be skipped.

        Raises
        ------
        TableError
            For the first of them.
        """
        if faults and not self.skip:
            fault = faults[0]
            raise _error(f"{file}, line {line + fault.line}{fault.reason}. {fault.remedy}.", fault.column)

    def add(self, file: str, line: int, faults: Sequence[Fault]) -> None:
        """Take the faults of a block whose first line is `line`.

        Raises
        ------
        TableError
            If rows are not to be skipped, or too many are.
        """
        self.refuse(file, line, faults)
        for fault in faults:
            at = line + fault.line
            if fault.column:
                self.columns[fault.column] += 1
            self.skipped.rows.append(SkippedRow(file, at, fault.reason.lstrip(",: "), fault.text, fault.column))
            self._check_count()

    def _check_count(self) -> None:
        """Refuse more rows than may be skipped."""
        if len(self.skipped.rows) <= self._most:
            return
        row = self.skipped.rows[self._most]
        seen = (
            f" They are in {self._path}." if self._path is not None else f" See them with {setting('rejects', 'FILE')}."
        )
        raise _error(
            f"{row.file}, line {row.line}: more than {setting('max_bad_lines', self._most)} rows cannot be used, the "
            f"last one because of {row.reason}.{seen}",
            row.column,
        )

    def write(self) -> None:
        """Write the rows skipped, where that was asked for."""
        if self._path is None:
            return
        rows = [("file", "line", "reason", "text"), *(row[:4] for row in self.skipped.rows)]
        write_text(self._path, "".join(map(_record, rows)))


def _record(cells: Sequence[object]) -> str:
    """Return a record of CSV; Python before 3.13 quotes a carriage return only where records end in one."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _error(message: str, column: str) -> TableError:
    return CellError(message, column) if column else TableError(message)
