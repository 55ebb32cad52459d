"""Rows held out, as what R² needs of them for any coefficients."""

from collections.abc import Sequence

from regress.aggregates.column_order import arranged_rows
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.moments import Moments, accumulate
from regress.aggregates.totals import Totals
from regress.blocks import Block

_MOST = 600  # columns summed exactly unasked: a table of more is never so small that its training sums are exact


class HeldOut:
    """Rows while there are no more of them than columns, else sums over [1, x, y].

    Sums are exact for up to 600 columns, and for more on request. Others are moments, added in the order of the rows.

    Parameters
    ----------
    exact : bool
        Whether sums of more columns are exact too.

    Attributes
    ----------
    count : int
        Rows added.
    rows : list of Block
        The rows; empty where they are summed.
    totals, moments : Totals or None, Moments or None
        Their sums, once they are arranged.
    """

    def __init__(self, exact: bool) -> None:
        self.count = 0
        self.rows: list[Block] = []
        self.totals: Totals | None = None
        self.moments: Moments | None = None
        self._exact = exact
        self._running: ExactSums | None = None

    def add(self, block: Block) -> None:
        """Add rows with one target; later blocks may have more columns than this one, in which it was zero."""
        n = block.X.shape[1]
        self.count += len(block.X)
        self.rows.append(block)
        if self.count <= n:
            return
        if self._running is None and self.moments is None and (self._exact or n <= _MOST):
            self._running = ExactSums()
        for held in self.rows:
            if self._running is not None:
                self._running.add(held)
            else:
                sums = accumulate([held])
                self.moments = sums if self.moments is None else self.moments.merge(sums)
        self.rows = []

    def arrange(self, order: Sequence[int] | None) -> None:
        """Put the columns in order, after the last block; None leaves them as they are."""
        self.rows = arranged_rows(self.rows, order)
        if self._running is not None:
            totals = self._running.finish()
            self.totals = totals if order is None else totals.select(order)
        elif self.moments is not None and order is not None:
            self.moments = self.moments.arranged(order)
