"""Time tools in processes of their own, compare what they computed, and judge limits.

Standard library only: on Linux the peak memory of a child is at least that of the process that starts it.
"""

import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

SCRIPTS = Path(__file__).resolve().parents[1]
ROOT = SCRIPTS.parent
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


class Failed(Exception):
    """What was asked for cannot be measured; the text says why."""


@dataclass(frozen=True)
class Limit:
    """At most so many times what another tool takes, or so many seconds or bytes where none is named."""

    at_most: float
    of: str | None = None
    what: str = "time"  # or "peak", or the name of a figure
    unit: str = "B"  # of a figure, where no tool is named


class Figure(NamedTuple):
    """A number that a tool tells of itself, such as the peak memory of another process."""

    value: float
    unit: str = ""  # s, B, B/s, flop/s, or × for a multiple


@dataclass(frozen=True)
class Tool:
    """A command, how to read what it computed from what it printed, and how far that may be off."""

    name: str
    command: Sequence[str]
    answer: Callable[[str], Sequence[float]] | None = None
    tolerance: float = 1e-9
    inside: bool = False  # the command times its runs itself
    peer: bool = False  # another package's, so the same from every checkout
    floor: bool = False  # it does only what no tool can avoid, such as reading
    runs: int = sys.maxsize  # maximum that are timed, for a tool that takes long
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class Table:
    """Tools that do the same, the one that all times are compared with, and the right answer."""

    title: str
    base: str
    tools: Sequence[Tool]
    reference: Sequence[float] | None = None
    floor: float | None = None  # seconds that the machine needs at least, computed from its rates


@dataclass(frozen=True)
class Result:
    """What a tool took; or the problem why that does not count."""

    tool: Tool
    seconds: Sequence[float] = ()
    peak: int = 0
    difference: float | None = None
    problem: str | None = None
    wrong: bool = False
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether times may be compared."""
        return self.problem is None and not self.wrong

    @property
    def median(self) -> float:
        """The median of the runs."""
        return median(self.seconds)

    def amount(self, what: str) -> float | None:
        """Return the number that a limit is about; None for a figure that cannot be measured on this machine."""
        if what in self.figures:
            return self.figures[what].value
        return {"time": self.median, "peak": float(self.peak)}.get(what)


class Verdict(NamedTuple):
    """A limit, the figure that it is about, and whether it holds: None where there is nothing to compare with."""

    limit: Limit
    value: float | None
    held: bool | None


@dataclass(frozen=True)
class Report:
    """A table, measured; or the problem why it could not be."""

    case: str
    table: Table
    results: Sequence[Result] = ()
    problem: str | None = None

    @cached_property
    def named(self) -> dict[str, Result]:
        """The results by the names of their tools."""
        return {result.tool.name: result for result in self.results}

    def ratio(self, result: Result) -> float | None:
        """Return the median as a multiple of the base's, where both count."""
        base = self.named[self.table.base]
        return result.median / base.median if result.counts and base.counts else None

    @property
    def floor(self) -> float | None:
        """The seconds that no tool can go below: as computed, or those of the fastest tool that only reads."""
        readers = (result.median for result in self.results if result.tool.floor and result.counts)
        return self.table.floor or min(readers, default=None)

    def distance(self, result: Result) -> float | None:
        """Return the median as a multiple of the floor."""
        return result.median / self.floor if result.counts and self.floor else None

    def verdicts(self, result: Result) -> list[Verdict]:
        """Judge the limits of a tool. A tool that gave no time that counts has missed them."""
        return [self._judge(limit, result) for limit in result.tool.limits]

    def _judge(self, limit: Limit, result: Result) -> Verdict:
        if not result.counts:
            return Verdict(limit, None, False)
        value = result.amount(limit.what)
        if limit.of is not None:
            other = self.named[limit.of]
            divisor = other.amount(limit.what) if other.counts else None
            value = value / divisor if value is not None and divisor else None
        return Verdict(limit, value, None if value is None else value <= limit.at_most)

    @property
    def passed(self) -> bool:
        """Whether everything was measured that a limit needs, no limit is missed and no answer is wrong."""
        missed = any(v.held is False for result in self.results for v in self.verdicts(result))
        return not (self.problem or missed or any(result.wrong for result in self.results))


class Ended(NamedTuple):
    """A process that ended well."""

    seconds: float
    peak: int
    printed: str


def usable_cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def peak_of_this_process() -> int:
    """Return the most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def run(command: Sequence[str], checkout: Path = ROOT) -> Ended:
    """Run a command on a checkout's package from start to exit; raise `Failed` with its last words where it fails."""
    path = os.pathsep.join([str(SCRIPTS), str(checkout)])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        try:
            own = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}  # an installed package has its bytecode
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=checkout,  # Python looks for modules there first
                env=os.environ | own,
            )
        except FileNotFoundError:
            raise Failed(f"{command[0]} is not installed") from None
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)  # it is waited for already
        out.seek(0)
        err.seek(0)
        if child.returncode:
            raise Failed(_reason(err.read().decode(errors="replace"), child.returncode))
        return Ended(seconds, usage.ru_maxrss * _UNIT, out.read().decode(errors="replace"))


def printed_json(printed: str) -> Any:
    """Read the last line that a command printed."""
    try:
        return json.loads(printed.rstrip().rpartition("\n")[2])
    except json.JSONDecodeError:
        raise Failed("it printed no answer") from None


def measure(tool: Tool, reference: Sequence[float] | None, repeat: int, checkout: Path = ROOT) -> Result:
    """Time a tool after one run that is not counted, and compare what it computed last with the right answer."""
    figures = dict[str, Figure]()
    try:
        if tool.inside:
            told = printed_json(run(tool.command, checkout).printed)
            seconds, peak, answer = told["seconds"], told["peak"], told["answer"]
            figures = {name: Figure(*figure) for name, figure in told.get("figures", {}).items()}
        else:
            run(tool.command, checkout)
            runs = [run(tool.command, checkout) for _ in range(min(repeat, tool.runs))]
            seconds, peak = [ended.seconds for ended in runs], max(ended.peak for ended in runs)
            answer = tool.answer(runs[-1].printed) if tool.answer else None
    except Failed as error:
        return Result(tool, problem=str(error))
    if reference is None or not (tool.inside or tool.answer):
        return Result(tool, seconds, peak, figures=figures)
    apart = difference(answer or [], reference)
    return Result(tool, seconds, peak, apart, wrong=apart is None or apart > tool.tolerance, figures=figures)


def difference(answer: Sequence[float], reference: Sequence[float]) -> float | None:
    """Return the largest difference, next to the largest number of the reference; None without numbers to compare."""
    if len(answer) != len(reference) or not all(map(math.isfinite, answer)):
        return None
    largest = max(map(abs, reference)) or 1.0
    return max(abs(a - b) for a, b in zip(answer, reference, strict=True)) / largest


def _reason(words: str, code: int) -> str:
    """Return why a process failed, from the last line that it wrote to stderr."""
    if code < 0:
        return f"ended by signal {-code}"
    last = next((line.strip() for line in reversed(words.splitlines()) if line.strip()), f"exit code {code}")
    if missing := re.match(r"ModuleNotFoundError: No module named '(\w+)'", last):
        return f"{missing[1]} is not installed"
    return re.sub(r"^(\w*Error|\w*Exception): ", "", last)[:120]
