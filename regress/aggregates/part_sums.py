"""All that some rows of a table amount to, from which a fit goes on without them: sums that merge."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from regress.aggregates.account import Tally
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.held_out import HeldOutSums
from regress.aggregates.sample import Sampler
from regress.blocks import Block
from regress.design.encode import SeenCells
from regress.design.row_facts import Counted
from regress.numerics.whole_sum import WholeSum
from regress.sources.rejects import Skipped


@dataclass(slots=True, eq=False, kw_only=True)
class PartSums:
    """Sums over the rows of some partitions. They have the same bits in any order, and however they are merged.

    Attributes
    ----------
    tally, counted, seen : Tally, Counted, SeenCells
        Where the rows went, what is counted by level, and the cells of text that were seen.
    training, held_out : ExactSums, HeldOutSums
        Sums over training rows, and over rows held out.
    sample : Sampler
        A sample of the training rows.
    log_weight : WholeSum
        Σ log a over the training rows.
    skipped : Skipped
        Rows that could not be used.
    parts : frozenset of str
        The partitions that are counted, by what tells them apart.
    """

    tally: Tally
    counted: Counted
    seen: SeenCells
    training: ExactSums
    held_out: HeldOutSums
    sample: Sampler
    log_weight: WholeSum
    skipped: Skipped = field(default_factory=Skipped)
    parts: frozenset[str] = frozenset()

    def over(self, texts: Collection[str], booleans: Collection[str]) -> "PartSums":
        """Return the same sums, where these are the columns of text, and of true and false."""
        return replace(self, counted=self.counted.over(texts, booleans))

    def merge(self, other: "PartSums") -> None:
        """Add other partitions.

        Raises
        ------
        ValueError
            If a partition would count twice.
        """
        if twice := self.parts & other.parts:
            raise ValueError(f"{min(twice)} would count twice")
        for name in ("tally", "training", "held_out", "sample", "log_weight", "skipped", "seen"):
            getattr(self, name).merge(getattr(other, name))
        self.counted = self.counted.merge(other.counted)
        self.parts |= other.parts

    def subtract(self, other: "PartSums") -> None:
        """Take rows away. What only rows tell, such as a sample, is withheld.

        Raises
        ------
        InputError
            If these rows cannot all be among those so far.
        """
        self.tally.subtract(other.tally)
        self.training.subtract_sums(other.training)
        held = self.held_out.exact()
        held.subtract_sums(other.held_out.exact())
        self.held_out = HeldOutSums.of(held)
        self.counted = self.counted.without(other.counted)
        self.seen.subtract(other.seen)
        self.log_weight.subtract(other.log_weight)
        self.sample = self.sample.empty()
        self.parts -= other.parts


def add_logs(total: WholeSum, block: Block) -> None:
    """Add log a of the rows of a block."""
    if block.weights is not None:
        total.add(np.log(block.weights if block.decimals is None else block.weights / 10.0**block.decimals.weights))
