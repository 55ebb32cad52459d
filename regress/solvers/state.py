"""Where a descent is: plain data, which can be compared, written as JSON, and gone on from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from regress.blocks import Array


@dataclass(frozen=True, eq=False)
class State:
    """A point of a descent, and all that its solver remembers there.

    Attributes
    ----------
    w, b : array of shape (n,), float
        The point, in the coordinates of the descent. Arrays are not to be written to.
    memory : mapping of str to number or array
        What the solver remembers between steps. Numbers become Python's, lists arrays, and arrays float64 or int64. It
        keeps its names, and the number of dimensions of each value, after the first step.
    iteration : int
        Steps taken.
    rng : mapping, optional
        State of a NumPy generator (``generator.bit_generator.state``), for solvers that draw.
    position : int, optional
        Rows read so far, for solvers that see a part of them a step.

    Examples
    --------
    >>> import regress
    >>> state = regress.State([0.0, 0.0], 1.0, {"momentum": 1.0}).moved([0.5, 0.25], 2.0, momentum=1.5)
    >>> state.iteration, state.memory["momentum"]
    (1, 1.5)
    """

    w: Array
    b: float
    memory: Mapping[str, Any] = field(default_factory=dict)
    iteration: int = 0
    rng: Mapping[str, Any] | None = None
    position: int | None = None

    def __post_init__(self) -> None:
        w = np.array(self.w, dtype=np.float64)
        w.setflags(write=False)
        object.__setattr__(self, "w", w)
        object.__setattr__(self, "b", float(self.b))
        object.__setattr__(self, "memory", {k: _normal(v) for k, v in self.memory.items()})

    def moved(self, w: Array, b: float, **memory: Any) -> "State":
        """Return the state one step later, with some of the memory replaced.

        Examples
        --------
        >>> import regress
        >>> regress.State([0.0], 1.0).moved([0.5], 2.0).b
        2.0
        """
        return State(w, b, {**self.memory, **memory}, self.iteration + 1, self.rng, self.position)

    def __eq__(self, other: object) -> bool:
        """Tell whether two states are the same in every bit; NaN equals NaN."""
        return isinstance(other, State) and repr(self.to_dict()) == repr(other.to_dict())

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, which JSON takes.

        Examples
        --------
        >>> import regress
        >>> sorted(regress.State([0.0], 1.0).to_dict())
        ['b', 'iteration', 'memory', 'position', 'rng', 'w']
        """
        memory = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in sorted(self.memory.items())}
        plain = {"w": self.w.tolist(), "b": self.b, "memory": memory, "iteration": self.iteration}
        return plain | {"rng": None if self.rng is None else dict(self.rng), "position": self.position}

    @staticmethod
    def from_dict(held: Mapping[str, Any]) -> "State":
        """Return the state of which these are the plain values.

        Examples
        --------
        >>> import regress
        >>> state = regress.State([0.0, 0.5], 1.0)
        >>> regress.State.from_dict(state.to_dict()) == state
        True
        """
        return State(**held)


def _normal(value: Any) -> Any:
    """Return a value of a memory in the form in which it comes back from JSON."""
    if isinstance(value, np.ndarray | np.generic) and not (value.ndim and value.dtype == np.float64):
        value = value.tolist()
    if not isinstance(value, list | tuple | np.ndarray):
        return value
    held = np.array(value)
    held.setflags(write=False)  # a callback sees it
    return held
