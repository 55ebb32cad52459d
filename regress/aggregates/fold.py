"""A table's rows folded: their account, facts, sample and held-out rows, while training blocks pass through."""

from collections.abc import Iterator

from regress.aggregates.account import Tally
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.held_out import HeldOutSums
from regress.aggregates.part_sums import PartSums, add_logs
from regress.aggregates.sample import Sampler
from regress.blocks import Block
from regress.design.block_index import BlockIndex
from regress.design.row_facts import Counts
from regress.design.rows import HeldOutBlock, PlacedRows, Reader, TrainingBlock
from regress.numerics.threads import Beside
from regress.numerics.whole_sum import WholeSum


class Fold:
    """Everything that is kept of a table while its training rows pass through to whoever sums or holds them.

    Parameters
    ----------
    reader : Reader
        What reads it.
    sampled : int
        Training rows to keep as a sample.
    held_out : HeldOutSums
        What rows held out are added to.
    indexed : bool
        Whether to note where each batch stands.

    Attributes
    ----------
    tally, counts, sample, held_out : Tally, Counts, Sampler, HeldOutSums
        What has been folded so far.
    index : BlockIndex or None
        Where the batches stand, if that is noted.
    read : int
        How much of the table has been read, in the source's unit.
    """

    def __init__(self, reader: Reader, sampled: int, held_out: HeldOutSums, *, indexed: bool = False) -> None:
        self._reader, self._encoder = reader, reader.encoder()
        levels = self._encoder.levels
        self.tally, self.counts = Tally(), Counts(reader.design, levels, reader.counts)
        self.sample = Sampler(sampled, reader.split.seed, reader.design, levels)
        self.held_out = held_out
        self.index = BlockIndex(reader.source) if indexed else None
        self.log_weight = WholeSum()
        self.read = 0
        self._sampled = bool(sampled)

    def blocks(self, n_jobs: int) -> Iterator[Block]:
        """Read the table once and yield its training blocks; with several jobs, other rows are added meanwhile.

        Raises
        ------
        TableError
            As `Reader.pieces` does.
        """
        with Beside(n_jobs) as beside:
            for piece in self._reader.pieces(self._encoder):
                match piece:
                    case PlacedRows():
                        self.tally.add(piece)
                        self.read = piece.batch.read
                        self.counts.add(piece)
                        if self.index is not None:
                            self.index.add(piece)
                        if self._sampled:
                            beside.call(self.sample.add, piece)
                    case TrainingBlock(block):
                        add_logs(self.log_weight, block)
                        yield block
                    case HeldOutBlock(block):
                        beside.call(self.held_out.add, block)

    def sums(self, training: ExactSums | None = None) -> PartSums:
        """Return what has been folded, and the sums over the blocks that passed through, if there are such."""
        return PartSums(
            tally=self.tally,
            counted=self.counts.finish(),
            seen=self._encoder.seen,
            training=ExactSums() if training is None else training,
            held_out=self.held_out,
            sample=self.sample,
            log_weight=self.log_weight,
            skipped=self._reader.source.skipped(),
        )
