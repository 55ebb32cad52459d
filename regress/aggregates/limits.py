"""Up to which sizes sums are exact unasked, and sums that are exact up to there."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from regress.aggregates.base import in_any_order
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.moment_sums import MomentSums
from regress.aggregates.moments import Moments
from regress.aggregates.totals import moments_of
from regress.blocks import Block


class Limits(NamedTuple):
    """Up to which sizes sums are exact unasked; `regress.solvers.choose` holds the figures.

    A part of a table that is within them is within them too. So neither the order of the rows nor blocks decide.

    Attributes
    ----------
    columns : int
        Columns, of any number of rows. A table of more is compared with the others.
    cells, products : int
        Cells, and rows · columns².
    wide_rows : int
        With at least as many columns as rows: rows, where rows² · columns is at most `products`.
    """

    cells: int = 0
    products: int = 0
    wide_rows: int = 0
    columns: int = 0

    def allow(self, rows: int, n: int) -> bool:
        """Tell whether exact totals of `n` columns are taken unasked."""
        return n <= self.columns or (rows * (n + 2) <= self.cells and rows * n**2 <= self.products)

    def wait(self, rows: int, n: int) -> bool:
        """Tell whether only the number of further rows decides, so that those so far are held."""
        return n > self.columns and self.allow(rows, n)

    def allow_wide(self, rows: int, n: int) -> bool:
        """Tell whether the exact minimum of at least as many columns as rows is taken unasked."""
        return rows <= self.wide_rows and rows**2 * n <= self.products


NEVER = Limits()


def summed(blocks: Iterator[Block], allowed: Callable[[], bool], n_jobs: int) -> tuple[ExactSums, Moments | None]:
    """Sum blocks exactly while that is `allowed`, which each is asked; if it ended, return the moments of all rows."""
    others = list[Block]()

    def exact() -> Iterator[Block]:
        for block in blocks:
            if not allowed():
                others.append(block)
                return
            yield block

    sums = in_any_order(ExactSums, exact(), n_jobs)
    if not others:
        return sums, None
    moments = MomentSums()
    if sums.rows:
        totals = sums.finish()
        moments.merge(moments_of(totals, totals.targets))
    moments.add_all(chain(others, blocks), n_jobs)
    return sums, moments.finish()
