"""Compare with scikit-learn on every bundled data set, and print the table of docs/accuracy.md.

python scripts/compare_all.py             # print it
python scripts/compare_all.py --write     # and put it into docs/accuracy.md
"""

import warnings
from pathlib import Path
from typing import Any

import regress
from bench.machine import heading
from marked import ACCURACY, ROOT, show

DATA = ROOT / "data"

SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "diabetes.csv": ("progression", {}),
    "iris.csv": ("petal_width", {}),
    "co2.csv": ("co2", {"missing": "drop"}),
    "penguins.csv": ("body_mass_g", {"missing": "drop"}),
    "gapminder.csv": ("lifeExp", {"features": ["continent", "year", "pop", "gdpPercap"]}),
    "income_rate.csv": ("spend", {}),
    "nist/norris.csv": ("y", {}),
    "nist/pontius.csv": ("y", {}),
    "nist/noint1.csv": ("y", {"fit_intercept": False}),
    "nist/noint2.csv": ("y", {"fit_intercept": False}),
    "nist/longley.csv": ("employed", {}),
    "nist/wampler1.csv": ("y", {}),
    "nist/wampler2.csv": ("y", {}),
    "nist/wampler3.csv": ("y", {}),
    "nist/wampler4.csv": ("y", {}),
    "nist/wampler5.csv": ("y", {}),
    "nist/filip.csv": ("y", {}),
}
TOOLS = {
    "regress": "regress",
    "regress autodiff": "regress, autodiff",
    "regress plain descent": "regress, plain descent",
    "LinearRegression()": "`LinearRegression()`",
    "LinearRegression(tol=0)": "`LinearRegression(tol=0)`",
    "Ridge(alpha=1e-10)": "`Ridge(1e-10)`",
    "StandardScaler + SGDRegressor": "scaled `SGDRegressor()`",
}


def line(file: str) -> str:
    """Compare on one file; return a row of the table."""
    target, options = SETS[file]
    result = regress.compare(DATA / file, target, **options)
    digits = {fit.name: "–" if fit.w is None else f"{fit.digits:.1f}" for fit in result.fits}
    ranks = {fit.name: fit.rank for fit in result.fits}
    name = Path(file).stem
    shape = f"{result.rows.split(' ')[0]} × {len(result.names)}"
    moved = next(fit.moved for fit in result.fits if fit.name == "LinearRegression()")
    cells = [name, shape, str(ranks["regress"]), *(digits[tool] for tool in TOOLS)]
    cells += [f"{moved:.0e}", "yes" if result.agree else "**no**"]
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """Compare on every file; return the table under the machine's description."""
    warnings.simplefilter("ignore")  # what the tools say is part of the comparison's own notes
    head = ["data set", "rows × columns", "rank", *TOOLS.values(), "error of ŷ", "agrees"]
    return "\n".join([heading(), "| " + " | ".join(head) + " |", "|" + "---|" * len(head), *map(line, SETS)]) + "\n"


if __name__ == "__main__":
    show(__doc__, ACCURACY, "compare_all", table)
