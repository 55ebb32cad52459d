"""What was measured as Markdown tables and as JSON, and the tables' places in docs/benchmarks.md."""

from pathlib import Path
from typing import Any

from bench.measure import Failed, Limit, Report, Result, Verdict

COLUMNS = "tool", "median", "ratio", "distance", "peak memory", "figures", "off by", "limits"


def markdown(report: Report) -> str:
    """Return a table under its title, or the reason why there is none."""
    if report.problem:
        return f"\n**{report.case}**: not measured, {report.problem}\n"
    rows = [_row(report, result) for result in report.results]
    optional = {"distance": report.floor, "figures": any(result.figures for result in report.results)}
    columns = [column for column in COLUMNS if optional.get(column, True)]
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    body = "".join(f"| {' | '.join(row[column] for column in columns)} |\n" for row in rows)
    floor = f", floor {duration(report.floor)}" if report.floor else ""
    return f"\n**{report.case}: {report.table.title}**{floor}\n\n{head}{body}"


def _row(report: Report, result: Result) -> dict[str, str]:
    """Return the cells of a tool by the names of their columns."""
    base, ratio, distance = report.table.base, report.ratio(result), report.distance(result)
    row = dict.fromkeys(COLUMNS, "–") | {"tool": result.tool.name}
    row["limits"] = "; ".join(_judged(verdict) for verdict in report.verdicts(result))
    if result.problem:
        return row | {"median": failure(result.problem)}
    if result.wrong:
        row["ratio"] = "**wrong**"
    elif ratio is None:
        row["ratio"] = f"– (no time of {base} counts)"
    else:
        row["ratio"] = "base" if result.tool.name == base else f"{ratio:.2f}× {base}"
    return row | {
        "median": duration(result.median),
        "distance": f"{distance:.2f}×" if distance else "–",
        "peak memory": f"{result.peak / 1e6:,.0f} MB",
        "figures": "; ".join(f"{name} {amount(*figure)}" for name, figure in result.figures.items()),
        "off by": off_by(result),
    }


def failure(problem: str) -> str:
    """Return the cell of a tool that failed."""
    return f"**failed**: {problem.replace('|', '/')}"


def duration(seconds: float) -> str:
    """Return seconds as text."""
    if seconds < 1e-4:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.{'0f' if seconds >= 0.1 else '3g'}} ms"


def amount(value: float, unit: str) -> str:
    """Return a number with its unit as text."""
    if unit == "s":
        return duration(value)
    if unit == "B/s":
        return f"{value / 1e9:.3f} GB/s"
    if unit == "flop/s":
        return f"{value / 1e9:.1f} GFlop/s"
    if unit == "×":
        return f"{value:.2f}×"
    if unit == "B":
        return (
            f"{value / 1e6:,.0f} MB" if value >= 1e6 else f"{value / 1e3:,.1f} kB" if value >= 1e3 else f"{value:.0f} B"
        )
    return f"{value:,.0f}"


def off_by(result: Result) -> str:
    """Return as text how far the answer is off."""
    if result.difference is None:
        return "no numbers to compare" if result.wrong else "–"
    return f"{result.difference:.0e}" if result.difference else "0"


def _judged(verdict: Verdict) -> str:
    limit, value = verdict.limit, verdict.value
    if verdict.held is None:
        return f"{_limit(limit)}: not judged"
    told = "**missed**" if not verdict.held else "holds"
    if value is None:
        return f"{_limit(limit)}: {told}"
    return f"{_limit(limit)}: {told}, " + (amount(value, _unit(limit)) if limit.of is None else f"{value:.2f}")


def _limit(limit: Limit) -> str:
    named = limit.what not in ("time", "peak")
    if limit.of is None:
        return f"{f'{limit.what} ' * named}≤ {amount(limit.at_most, _unit(limit))}"
    within = f" in {limit.what}" * named
    return f"≤ {limit.at_most:g}× {'the peak of ' * (limit.what == 'peak')}{limit.of}{within}"


def _unit(limit: Limit) -> str:
    return "s" if limit.what == "time" else limit.unit


def records(report: Report) -> list[dict[str, Any]]:
    """Return what is known of each tool, as JSON can say it."""
    where = {"case": report.case, "table": report.table.title}
    if report.problem:
        return [where | {"tool": None, "problem": report.problem}]
    return [
        where
        | {"tool": result.tool.name, "base": report.table.base}
        | record(result)
        | {
            "ratio": report.ratio(result),
            "floor": report.floor,
            "distance": report.distance(result),
            "limits": [
                verdict.limit.__dict__ | {"value": verdict.value, "held": verdict.held}
                for verdict in report.verdicts(result)
            ],
        }
        for result in report.results
    ]


def record(result: Result) -> dict[str, Any]:
    """Return what a tool took and computed, as JSON can say it."""
    return {
        "problem": result.problem,
        "seconds": list(result.seconds),
        "median": result.median if result.seconds else None,
        "peak_bytes": result.peak or None,
        "difference": result.difference,
        "tolerance": result.tool.tolerance,
        "wrong": result.wrong,
        "figures": dict(result.figures),
    }


def around(path: Path, case: str) -> tuple[str, str]:
    """Return what stands before and after a case's tables in a file, with the marks."""
    opening, closing = f"<!-- benchmark:{case} -->\n", f"<!-- /benchmark:{case} -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(opening)
    _, ended, after = rest.partition(closing)
    if not (found and ended):
        raise Failed(f"{path} has no place for {case}. Write {opening.strip()} and {closing} on lines of their own.")
    return before + opening, closing + after


def replace(path: Path, case: str, text: str) -> None:
    """Put a case's tables between its marks in a file."""
    before, after = around(path, case)
    path.write_text(before + text + after, encoding="utf-8")
