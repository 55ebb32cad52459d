"""What the rows themselves tell that a careful reader should know, counted while they are read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from regress.blocks import Array, Mask
from regress.design.rows import PlacedRows
from regress.design.terms import Design
from regress.sources.base import UNSEEN_CODE, Codes


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the rows, in plain values.

    Attributes
    ----------
    equal : tuple of str
        Number columns that equal the target in every training row.
    binary : bool
        Whether the target holds 0 and 1 in the training rows, and nothing else.
    alone, alone_references : tuple of str
        Levels that one training row has, and those of them that are reference levels.
    single : tuple of str
        Text columns with a single level, which are excluded.
    unseen_cells, unseen : int, tuple of str
        Cells of rows held out whose level no training row has, and these levels.
    without_reference : tuple of str
        Those of their columns that have no reference level.
    split_key : str, optional
        The key of the split, where it was excluded from the features for that reason.
    of_source : tuple of str
        What is worth knowing of how the table was read, in sentences.
    dates : tuple of str
        Columns of dates.
    alike : tuple of str
        Levels of one column that differ by upper and lower case only.
    """

    equal: tuple[str, ...] = ()
    binary: bool = False
    alone: tuple[str, ...] = ()
    alone_references: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    unseen_cells: int = 0
    unseen: tuple[str, ...] = ()
    without_reference: tuple[str, ...] = ()
    split_key: str | None = None
    of_source: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()


def alike(design: Design) -> tuple[str, ...]:
    """Return levels of one column that differ by upper and lower case only, each pair once."""
    found = []
    for variable in design.texts:
        seen: dict[str, str] = {}
        for level in variable.levels:
            other = seen.setdefault(level.casefold(), level)
            found += [f"{variable.name}={other} and {variable.name}={level}"] if other != level else []
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows counted, by the names of columns and levels.

    Attributes
    ----------
    training, held_out : mapping
        Rows of each level of each text column.
    unseen : int
        Cells of rows held out with levels that a design does not have.
    flags : mapping
        Training rows that are false, and that are true, of each column of the two.
    equal : tuple of str, optional
        Number columns that equal the target in every training row; None without any row.
    zeros, ones, others : bool
        Whether the target is 0, 1, or anything else, in a training row.
    """

    training: Mapping[str, Mapping[str, float]]
    held_out: Mapping[str, Mapping[str, float]]
    unseen: int
    flags: Mapping[str, tuple[float, float]]
    equal: tuple[str, ...] | None
    zeros: bool
    ones: bool
    others: bool

    def merge(self, other: "Counted") -> "Counted":
        """Return the counts of both sets of rows."""
        given = [equal for equal in (self.equal, other.equal) if equal is not None]
        return Counted(
            training={name: _sum(levels, other.training[name]) for name, levels in self.training.items()},
            held_out={name: _sum(levels, other.held_out[name]) for name, levels in self.held_out.items()},
            unseen=self.unseen + other.unseen,
            flags={
                name: (no + other.flags[name][0], yes + other.flags[name][1]) for name, (no, yes) in self.flags.items()
            },
            equal=tuple(name for name in given[0] if all(name in names for names in given)) if given else None,
            zeros=self.zeros or other.zeros,
            ones=self.ones or other.ones,
            others=self.others or other.others,
        )

    def without(self, other: "Counted") -> "Counted":
        """Return the counts of the rows that are not in `other`; what only rows tell is withheld."""
        return Counted(
            training={name: _sum(rows, other.training[name], -1.0) for name, rows in self.training.items()},
            held_out={name: _sum(rows, other.held_out[name], -1.0) for name, rows in self.held_out.items()},
            unseen=self.unseen - other.unseen,
            flags={
                name: (no - other.flags[name][0], yes - other.flags[name][1]) for name, (no, yes) in self.flags.items()
            },
            equal=(),
            zeros=True,
            ones=True,
            others=True,
        )

    def over(self, texts: Collection[str], booleans: Collection[str]) -> "Counted":
        """Return the counts of these columns, which have no value where they are new."""
        return replace(
            self,
            training={name: self.training.get(name, {}) for name in texts},
            held_out={name: self.held_out.get(name, {}) for name in texts},
            flags={name: self.flags.get(name, (0.0, 0.0)) for name in booleans},
        )

    def only(self, names: Collection[str]) -> "Counted":
        """Return what is counted of some columns."""
        return replace(
            self,
            training={name: rows for name, rows in self.training.items() if name in names},
            held_out={name: rows for name, rows in self.held_out.items() if name in names},
            flags={name: flags for name, flags in self.flags.items() if name in names},
            equal=None if self.equal is None else tuple(name for name in self.equal if name in names),
        )

    def levels(self) -> dict[str, dict[str, float]]:
        """Return the levels of each text column that training rows have, and their rows."""
        return {name: {level: n for level, n in rows.items() if n} for name, rows in self.training.items()}

    def facts(self, found: Design) -> Facts:
        """Return what is worth knowing, given the design with its levels."""
        alone, references, unseen, cells, without = list[str](), list[str](), list[str](), self.unseen, list[str]()
        for variable in found.texts:
            training, held_out = self.training[variable.name], self.held_out[variable.name]
            once = {level for level, count in training.items() if count == 1}
            alone += [f"{variable.name}={level}" for level in variable.coded if level in once]
            references += [f"{variable.name}={variable.reference}"] if variable.reference in once else []
            new = sorted(level for level, count in held_out.items() if count and not training.get(level))
            unseen += [f"{variable.name}={level}" for level in new]
            cells += int(sum(held_out[level] for level in new))
            without += [variable.name] if new and variable.all_levels else []
        for name, flags in self.flags.items():
            alone += [f"{name}={word}" for word, count in zip(("false", "true"), flags, strict=True) if count == 1]
        return Facts(
            equal=self.equal or (),
            binary=self.zeros and self.ones and not self.others,
            alone=tuple(alone),
            alone_references=tuple(references),
            single=tuple(
                f"{variable.name}={variable.reference}"
                for variable in found.texts
                if len(variable.levels) == 1 and not variable.coded
            ),
            unseen_cells=cells,
            unseen=tuple(unseen),
            without_reference=tuple(without),
        )


class Counts:
    """Counts rows a level, of training and held out, and watches the target.

    Parameters
    ----------
    design : Design
        What becomes of the columns; levels may be unknown.
    levels : mapping
        The levels of each text column, in the order of their codes: those of the encoder, which may find more.
    repeated : bool
        Whether weights count repeated rows.
    """

    def __init__(self, design: Design, levels: Mapping[str, Sequence[str]], repeated: bool) -> None:
        self._levels, self._repeated = levels, repeated
        self._numbers, self._texts = design.numbers, [variable.name for variable in design.texts]
        self._training = [np.zeros(0) for _ in self._texts]
        self._held_out = [np.zeros(0) for _ in self._texts]
        self._unseen = 0
        booleans = [variable.name for variable in design.variables if variable.kind == "boolean"]
        self._flags = {self._numbers.index(name): np.zeros(2) for name in booleans}
        self._equal: list[int] | None = None
        self._zeros = self._ones = self._others = False
        self._merged: Counted | None = None

    def add(self, rows: PlacedRows) -> None:
        """Count the training rows of a batch, and those held out."""
        if rows.held_out is not None:
            self._add_held_out(rows.encoded.codes, rows.held_out)
        kept, (numbers, codes, _) = rows.used, rows.encoded
        if not len(rows.y) or (kept is not None and not kept.any()):
            return
        y, a = rows.y if kept is None else rows.y[kept], rows.a
        if not self._others:
            zero = y == 0
            self._others = not (zero | (y == 1)).all()
            self._zeros, self._ones = self._zeros or bool(zero.any()), self._ones or not zero.all()
        first = 0 if kept is None else int(np.argmax(kept))
        near = range(len(numbers)) if self._equal is None else self._equal
        near = [j for j in near if numbers[j][first] == y[0]]  # few columns pass
        self._equal = [j for j in near if np.array_equal(numbers[j] if kept is None else numbers[j][kept], y)]
        weights = None if a is None or not self._repeated else a if kept is None else a[kept]
        for j, counted in enumerate(self._training):
            self._training[j] = _added(counted, codes[j] if kept is None else codes[j][kept], weights)
        for j, flags in self._flags.items():
            column = numbers[j] if kept is None else numbers[j][kept]
            for value in (0, 1):
                here = column == value
                flags[value] += here.sum() if weights is None else weights[here].sum()

    def _add_held_out(self, codes: Sequence[Codes], out: Mask) -> None:
        for j, code in enumerate(codes):
            held = code[out]
            self._unseen += int((held == UNSEEN_CODE).sum())
            self._held_out[j] = _added(self._held_out[j], held[held >= 0], None)

    def merge(self, other: "Counts") -> None:
        """Add the rows of another pass, whose levels may have turned up in another order."""
        self._merged = other.finish() if self._merged is None else self._merged.merge(other.finish())

    def finish(self) -> Counted:
        """Return the counts of all rows so far."""
        own = Counted(
            training=self._by_level(self._training),
            held_out=self._by_level(self._held_out),
            unseen=self._unseen,
            flags={self._numbers[j]: (float(no), float(yes)) for j, (no, yes) in self._flags.items()},
            equal=None if self._equal is None else tuple(self._numbers[j] for j in self._equal),
            zeros=self._zeros,
            ones=self._ones,
            others=self._others,
        )
        return own if self._merged is None else own.merge(self._merged)

    def _by_level(self, counts: Sequence[Array]) -> dict[str, dict[str, float]]:
        return {
            name: dict(zip(self._levels[name], rows.tolist(), strict=False))
            for name, rows in zip(self._texts, counts, strict=True)
        }


def _sum(mine: Mapping[str, float], theirs: Mapping[str, float], sign: float = 1.0) -> dict[str, float]:
    return {name: mine.get(name, 0.0) + sign * theirs.get(name, 0.0) for name in (*mine, *theirs)}


def _added(counts: Array, codes: Array | Codes, weights: Array | None) -> Array:
    """Return counts with more rows counted; later ones may know more codes."""
    more = np.bincount(codes, weights, minlength=len(counts)).astype(np.float64)
    more[: len(counts)] += counts
    return more
