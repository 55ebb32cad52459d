"""The coordinates in which a descent runs, and back to the user's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regress.aggregates.moments import Moments
from regress.blocks import Array, Block
from regress.objective.gradient import Rows
from regress.objective.losses import MomentForm


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Where the descent runs: x' = (x − origin)/scale, y' = y − target_origin."""

    origin: Array
    scale: Array
    target_origin: float

    def to_user(self, w: Array, b: float) -> tuple[Array, float]:
        """Return w in the user's units, and the prediction at x = origin."""
        return w / self.scale, b + self.target_origin

    def rows(self, blocks: Sequence[Block], target: int) -> list[Rows]:
        """Return a copy of the rows in these coordinates; raw coordinates return views of the rows as they are."""
        parts = [rows_of(block, target, self.target_origin) for block in blocks]
        if not self.origin.any() and (self.scale == 1.0).all():
            return parts
        return [part._replace(X=(part.X - self.origin) / self.scale) for part in parts]

    @property
    def near(self) -> bool:
        """Whether the origin is so near to zero that rows need no copy: xᵀw loses less than a digit."""
        return bool((np.abs(self.origin) <= 4.0 * self.scale).all())

    def moments(self, m: Moments, target: int) -> MomentForm:
        """Return the moments in these coordinates. Shifts are subtracted first: they hold the large parts."""
        return MomentForm(
            m.weight,
            ((m.shift.x - self.origin) + m.mean_x) / self.scale,
            m.xx / self.scale / self.scale[:, None],
            m.xy[:, target] / self.scale,
            float(m.yy[target]),
            float((m.shift.y[target] - self.target_origin) + m.mean_y[target]),
        )


def rows_of(block: Block, target: int, target_origin: float = 0.0) -> Rows:
    """Return the rows of one target, which is shifted."""
    y = block.Y[:, target]
    return Rows(block.X, y - target_origin if target_origin else y, 1.0 if block.weights is None else block.weights)
