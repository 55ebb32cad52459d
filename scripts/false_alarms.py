"""How often pages warn of residuals that are sound: 1,000 linear tables with normal errors, of 100 to 10,000 rows.

python scripts/false_alarms.py           # prints the table
python scripts/false_alarms.py --write   # and writes it into docs/explanation/residuals.md
"""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import regress
from marked import show
from regress.report.findings import findings

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "explanation" / "residuals.md"
TABLES = 1_000
KINDS = ("normal", "uniform", "0/1 columns", "skewed", "a trend", "sorted rows")


def columns(kind: str, random: np.random.Generator) -> NDArray[np.float64]:
    """Return columns of X of a kind: 1 to 15 of them, in 100 to 10,000 rows."""
    m, n = int(10.0 ** random.uniform(2.0, 4.0)), int(random.integers(1, 16))
    X = random.normal(size=(m, n))
    if kind == "uniform":
        X = random.uniform(size=(m, n))
    elif kind == "0/1 columns":
        X = (random.uniform(size=(m, n)) < random.uniform(0.05, 0.5, size=n)).astype(float)
        X = X[:, np.ptp(X, axis=0) > 0.0]
    elif kind == "skewed":
        X = np.exp(X)
    elif kind == "a trend":
        X[:, 0] = np.arange(m)
    elif kind == "sorted rows":
        X = X[np.argsort(X[:, 0])]
    return X


def alarms(kind: str, random: np.random.Generator) -> tuple[str, ...]:
    """Return the tests that found something in a table that is as a linear model assumes."""
    X = columns(kind, random)
    y = X @ random.normal(size=X.shape[1]) + random.normal(size=len(X)) * 10.0 ** random.uniform(-1.0, 1.0)
    known = regress.fit(X, y).record
    found = known.residuals
    names = () if found is None else tuple(test.name for test in found.tests if test.found)
    return names + ("leverage",) * (len(findings(known)) > len(names))


def table() -> str:
    """Return the table of false alarms, in Markdown."""
    random, counts, warned = np.random.default_rng(0), Counter[str](), 0
    for k in range(TABLES):
        found = alarms(KINDS[k % len(KINDS)], random)
        counts.update(found)
        warned += bool(found)
    lines = ["| test | false alarms in 1,000 tables |", "|---|---|"]
    names = ("curvature", "spread", "order", "tails", "leverage")
    lines += [f"| {name} | {counts[name]} |" for name in names]
    return "\n".join([*lines, f"| any of these | {warned} ({100.0 * warned / TABLES:.1f} %) |", ""])


def main() -> None:
    assert __doc__ is not None
    show(__doc__, PAGE, "false alarms", table)


if __name__ == "__main__":
    main()
