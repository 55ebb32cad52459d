"""Partial results of a run: on the workers until they are merged, then with the client and in its checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic

from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.cluster.engine import A, Unit, check_parts
from regress.api.cluster.workers import Cluster, Died, Handle, Lost

FAN_IN = 8  # results that one task merges


@dataclass(frozen=True, slots=True)
class Partial:
    """A result that lies on a worker, or will.

    Attributes
    ----------
    handle : object
        What the engine knows it by.
    units : tuple of int
        The units that it is of.
    level : int
        How many times its units were merged on workers.
    inputs : tuple of Partial
        What it is merged from, until it is.
    alone : bool
        Whether its unit is folded while nothing else is.
    """

    handle: Handle
    units: tuple[int, ...]
    level: int
    inputs: "tuple[Partial, ...]" = field(default=(), repr=False)
    alone: bool = False


class Results(Generic[A]):
    """Results that are finished, in levels of a tree, and what the client has."""

    def __init__(
        self, cluster: Cluster, units: Sequence[Unit], total: A | None, checkpoint: PartsCheckpoint[A] | None
    ) -> None:
        self._cluster, self._units, self._total, self._checkpoint = cluster, units, total, checkpoint
        self._levels: dict[int, list[Partial]] = {}

    @property
    def kept(self) -> list[Partial]:
        """Those that lie on workers."""
        return [partial for level in self._levels.values() for partial in level]

    def keep(self, partial: Partial, merge: bool) -> tuple[Partial, ...]:
        """Keep a result, without what it was merged from; return those to merge now, which are kept no longer."""
        level = self._levels.setdefault(partial.level, [])
        level.append(Partial(partial.handle, partial.units, partial.level))
        return tuple(self._levels.pop(partial.level)) if merge and len(level) >= FAN_IN else ()

    def gather(self, seconds: float) -> list[Partial]:
        """Fetch what is finished and merge it here, one result at a time; write the checkpoint. Return what is lost.

        Raises
        ------
        EngineError
            If a result lacks a part, or does not arrive in time.
        InputError
            If the checkpoint cannot be written.
        """
        kept, lost = self.kept, []
        self._levels.clear()
        try:
            for partial in kept:
                try:
                    one: A = self._cluster.fetch(partial.handle, seconds)
                except (Died, Lost):
                    lost.append(partial)
                    continue
                check_parts(one, [self._units[i] for i in partial.units])
                if self._total is None:
                    self._total = one
                else:
                    self._total.merge(one)
        finally:
            self._cluster.cancel([partial.handle for partial in kept])
        if len(lost) < len(kept):
            self._save()
        return lost

    def rescue(self, seconds: float) -> None:
        """Write into the checkpoint what is finished, after an error."""
        if self._checkpoint is not None:
            try:
                self.gather(seconds)
            except Exception:  # whatever else failed, the first error is the one to show
                self._save()

    def _save(self) -> None:
        if self._checkpoint is not None and self._total is not None:
            self._checkpoint.save(self._total)

    def complete(self) -> A:
        """Return the result of all units.

        Raises
        ------
        EngineError
            If it lacks one.
        """
        assert self._total is not None
        check_parts(self._total, self._units)
        return self._total
