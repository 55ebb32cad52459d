"""What the rows themselves tell that a careful reader should know, counted while they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regress.blocks import Array, Mask
from regress.design.terms import Design, Term
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
        Text columns of a single level, which are left out.
    unseen_cells, unseen : int, tuple of str
        Cells of rows held out whose level no training row has, and these levels.
    without_reference : tuple of str
        Those of their columns that have no reference level.
    split_key : str, optional
        The key of the split, where it was left out of the features for that.
    of_source : tuple of str
        What is worth knowing of how the table was read, in sentences.
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
    alike: tuple[str, ...] = ()


def alike(design: Design) -> tuple[str, ...]:
    """Return levels of one column that differ by upper and lower case only, each pair once."""
    found = []
    for term in design.texts:
        seen: dict[str, str] = {}
        for level in term.levels:
            other = seen.setdefault(level.casefold(), level)
            found += [f"{term.name}={other} and {term.name}={level}"] if other != level else []
    return tuple(found)


class Counts:
    """Counts rows a level, of training and held out, and watches the target.

    Parameters
    ----------
    design : Design
        What becomes of the columns; levels may be unknown.
    repeated : bool
        Whether weights count repeated rows.
    """

    def __init__(self, design: Design, repeated: bool) -> None:
        self._design, self._repeated = design, repeated
        self._training = [np.zeros(0) for _ in design.texts]
        self._held_out = [np.zeros(0) for _ in design.texts]
        self._unseen = 0
        self._flags = {j: np.zeros(2) for j, term in enumerate(_number_terms(design)) if term.kind == "boolean"}
        self._equal: list[int] | None = None
        self._zeros = self._ones = False
        self._binary = True

    def add(
        self, numbers: Sequence[Array] | Array, codes: Sequence[Codes], y: Array, a: Array | None, kept: Mask | None
    ) -> None:
        """Count the training rows of a batch: those kept (None: all)."""
        if kept is not None:
            if not kept.any():
                return
            y = y[kept]
        if self._binary:
            zero = y == 0
            self._binary = bool((zero | (y == 1)).all())
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

    def add_held_out(self, codes: Sequence[Codes], out: Mask) -> None:
        """Count rows that are held out."""
        for j, code in enumerate(codes):
            held = code[out]
            self._unseen += int((held == UNSEEN_CODE).sum())
            self._held_out[j] = _added(self._held_out[j], held[held >= 0], None)

    def levels(self, known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return those levels of each text column that training rows have, of all that turned up."""
        texts = zip(self._design.texts, self._training, strict=True)
        return {
            term.name: [level for level, count in zip(known[term.name], counts, strict=False) if count]
            for term, counts in texts
        }

    def facts(self, found: Design, known: Mapping[str, Sequence[str]]) -> Facts:
        """Return what was found, given the design with its levels, and the levels in the order in which they came."""
        alone, references, unseen, cells, without = [], [], [], self._unseen, []
        for term, training, held in zip(found.texts, self._training, self._held_out, strict=True):
            names = known[term.name]
            once = {names[k] for k in np.flatnonzero(training == 1).tolist()}
            alone += [f"{term.name}={level}" for level in term.coded if level in once]
            references += [f"{term.name}={term.reference}"] if term.reference in once else []
            new = [k for k in np.flatnonzero(held).tolist() if k >= len(training) or not training[k]]
            unseen += [f"{term.name}={names[k]}" for k in new]
            cells += int(held[new].sum())
            without += [term.name] if new and term.all_levels else []
        for j, flags in self._flags.items():
            name = _number_terms(found)[j].name
            alone += [f"{name}={word}" for word, count in zip(("false", "true"), flags, strict=True) if count == 1]
        return Facts(
            equal=tuple(found.numbers[j] for j in self._equal or ()),
            binary=self._binary and self._zeros and self._ones,
            alone=tuple(alone),
            alone_references=tuple(references),
            single=tuple(
                f"{term.name}={term.reference}" for term in found.texts if len(term.levels) == 1 and not term.names
            ),
            unseen_cells=cells,
            unseen=tuple(unseen),
            without_reference=tuple(without),
        )


def _number_terms(design: Design) -> list[Term]:
    return [term for term in design.terms if term.kind != "text"]


def _added(counts: Array, codes: Array | Codes, weights: Array | None) -> Array:
    """Return counts with more rows counted; later ones may know more codes."""
    more = np.bincount(codes, weights, minlength=len(counts)).astype(np.float64)
    more[: len(counts)] += counts
    return more
