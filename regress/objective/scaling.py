"""The coordinates in which a descent runs, and back to the user's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regress.aggregates.moments import Moments
from regress.blocks import Array, Block
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

    def rows(self, blocks: Sequence[Block], target: int) -> list[Block]:
        """Return a copy of the rows in these coordinates; raw coordinates return views of the rows as they are."""
        if not self.origin.any() and not self.target_origin and (self.scale == 1.0).all():
            return [Block(X, Y[:, target], a) for X, Y, a, _ in blocks]
        return [Block((X - self.origin) / self.scale, Y[:, target] - self.target_origin, a) for X, Y, a, _ in blocks]

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
