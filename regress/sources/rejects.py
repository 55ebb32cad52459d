"""Rows that cannot be used: refused with their place, or skipped, counted and kept apart."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(slots=True)
class Skipped:
    """What a pass over some partitions skipped, and what it read, to tell whether that is too much.

    Attributes
    ----------
    rows : list of (file, line, reason, text)
        The rows skipped.
    cells : mapping
        By file, rows skipped for a cell of a column.
    good, read : mapping
        Good cells of these columns, and rows read of each file.
    """

    rows: list[tuple[str, int, str, str]] = field(default_factory=list)
    cells: dict[str, Counter[str]] = field(default_factory=dict)
    good: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)

    def merge(self, other: "Skipped") -> None:
        """Add what another pass skipped."""
        self.rows += other.rows
        for file, counts in other.cells.items():
            self.cells.setdefault(file, Counter()).update(counts)
        self.good.update(other.good)
        self.read.update(other.read)


class Rejects:
    """Refuses rows, or skips at most `most` of them and writes them to a file: file, line, reason, text.

    One is shared by the files of a table. In another process it begins anew.
    """

    def __init__(self, skip: bool = False, path: str | Path | None = None, most: int = 1000) -> None:
        self.skip, self._path, self._most = skip, path, most
        self.skipped = Skipped()

    def __reduce__(self) -> tuple[Any, ...]:
        return Rejects, (self.skip, self._path, self._most)

    @property
    def columns(self) -> Counter[str]:
        """How many rows were skipped for a cell of a column."""
        return sum(self.skipped.cells.values(), Counter())

    @property
    def files(self) -> Counter[str]:
        """How many rows of a file were skipped."""
        return Counter(file for file, *_ in self.skipped.rows)

    def begin(self, file: str | None = None) -> None:
        """Forget what an earlier reading of a file, or of all of them, skipped."""
        if file is None:
            self.skipped = Skipped()
        self.skipped.rows = [row for row in self.skipped.rows if row[0] != file]
        self.skipped.cells.pop(str(file), None)

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
                self.skipped.cells.setdefault(file, Counter())[fault.column] += 1
            self.skipped.rows.append((file, at, fault.reason.lstrip(",: "), fault.text))
            self.check_count(fault.column)

    def check_count(self, column: str = "") -> None:
        """Refuse more rows skipped than are allowed; the last one for a cell of `column`, if one is named."""
        if len(self.skipped.rows) <= self._most:
            return
        file, at, reason, _ = self.skipped.rows[self._most]
        seen = (
            f" They are in {self._path}." if self._path is not None else f" See them with {setting('rejects', 'FILE')}."
        )
        raise _error(
            f"{file}, line {at}: more than {setting('max_bad_lines', self._most)} rows cannot be used, the last one "
            f"because of {reason}.{seen}",
            column,
        )

    def write(self) -> None:
        """Write the rows skipped, where that was asked for."""
        if self._path is None:
            return
        rows = [("file", "line", "reason", "text"), *self.skipped.rows]
        write_text(self._path, "".join(map(_record, rows)))


def _record(cells: Sequence[object]) -> str:
    """Return a record of CSV; Python before 3.13 quotes a carriage return only where records end in one."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _error(message: str, column: str) -> TableError:
    return CellError(message, column) if column else TableError(message)
