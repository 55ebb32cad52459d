"""This checkout compared with another one: the same tools on the same files, in turns."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Failed, Result, Table, Tool, measure, run
from bench.report import duration, failure, off_by, record

AT_MOST = 1.03  # times the baseline's time
INSIDE = 3  # runs in each process of a tool that times itself
HEAD = "| table | tool | baseline | now | time | peak memory | off by |\n|---|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Change:
    """What a tool took from the baseline, and from this checkout."""

    table: str
    before: Result
    now: Result

    def ratio(self, what: str) -> float | None:
        """Return the time or the peak memory as a multiple of the baseline's, if both ended well."""
        if self.before.problem or self.now.problem:
            return None
        return float(getattr(self.now, what) / getattr(self.before, what))

    @property
    def passed(self) -> bool:
        """Whether this checkout's answer is right, and its time not above the limit."""
        return self.now.counts and (self.ratio("median") or 0.0) <= AT_MOST


@dataclass(frozen=True)
class Comparison:
    """The changes of a case; or the problem why there are none."""

    case: str
    changes: Sequence[Change] = ()
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every change is within the limit."""
        return not self.problem and all(change.passed for change in self.changes)


def check_checkout(folder: Path) -> None:
    """Raise `Failed` unless children import the package of this folder."""
    if not (folder / "regress" / "__init__.py").is_file():
        raise Failed(f"{folder} is not a checkout: it has no regress/__init__.py.")
    imported = Path(run([sys.executable, "-c", "import regress; print(regress.__file__)"], folder).printed.strip())
    if not imported.resolve().is_relative_to(folder):
        raise Failed(
            f"regress is imported from {imported.resolve()}, not from {folder}; name the folder that holds it."
        )


def changes(tables: Iterable[Table], repeat: int, baseline: Path) -> Iterator[Change]:
    """Measure this package's tools from a baseline and from this checkout."""
    for table in tables:
        for tool in table.tools:
            if not tool.peer:
                yield Change(table.title, *_in_turns(tool, table.reference, repeat, (baseline, ROOT)))


def _in_turns(
    tool: Tool, reference: Sequence[float] | None, repeat: int, checkouts: Sequence[Path]
) -> Iterator[Result]:
    """Measure a tool from one checkout, from the next, and again, so that drifts of the machine cancel."""
    rounds = [[measure(tool, reference, 1, checkout) for checkout in checkouts] for _ in range(repeat)]
    for runs in zip(*rounds, strict=True):
        told = next((result for result in runs if not result.counts), runs[-1])
        seconds = [second for result in runs for second in result.seconds]
        yield replace(told, seconds=seconds, peak=max(result.peak for result in runs))


def markdown(comparison: Comparison) -> str:
    """Return the changes of a case as a table under its title, or the reason why there is none."""
    if comparison.problem:
        return f"\n**{comparison.case}**: not measured, {comparison.problem}\n"
    rows = (" | ".join(_cells(change)) for change in comparison.changes)
    return f"\n**{comparison.case}**\n\n{HEAD}" + "".join(f"| {row} |\n" for row in rows)


def _cells(change: Change) -> Iterator[str]:
    yield change.table
    yield change.now.tool.name
    for result in (change.before, change.now):
        yield failure(result.problem) if result.problem else duration(result.median)
    for what in ("median", "peak"):
        ratio = change.ratio(what)
        missed = ratio is not None and what == "median" and ratio > AT_MOST
        yield "–" if ratio is None else f"**{ratio:.3f}×**" if missed else f"{ratio:.3f}×"
    told = (
        f"**wrong**, {off_by(result)}" if result.wrong else off_by(result) for result in (change.before, change.now)
    )
    yield " → ".join(told)


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """Return what is known of each tool, as JSON can say it."""
    if comparison.problem:
        return [{"case": comparison.case, "tool": None, "problem": comparison.problem}]
    return [
        {
            "case": comparison.case,
            "table": change.table,
            "tool": change.now.tool.name,
            "baseline": record(change.before),
            "now": record(change.now),
            "time_ratio": change.ratio("median"),
            "peak_ratio": change.ratio("peak"),
            "passed": change.passed,
        }
        for change in comparison.changes
    ]
