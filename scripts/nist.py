"""Correct digits on NIST's certified linear sets: regress and other tools, on their defaults.

python scripts/nist.py             # print the three tables
python scripts/nist.py --write     # and put them into docs/accuracy.md
"""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression

import regress
from bench.machine import heading
from marked import ACCURACY, ROOT, show
from regress.records import number

NIST = ROOT / "data" / "nist"
CERTIFIED: dict[str, dict[str, Any]] = json.loads((NIST / "certified.json").read_text(encoding="utf-8"))
DIGITS = 15.0  # as many are certified
ZERO = 1e-13  # what is smaller meets a certified 0
KINDS = "coefficients", "standard errors", "residual standard deviation", "R²"
EXACT = Context(prec=60)


def digits(value: float, certified: str) -> float:
    """Return the digits that a value shares with a certified one, from 0 to 15, without rounding on the way."""
    exact = Fraction(certified)
    error = abs(Fraction(value) - exact)
    if exact:
        error /= abs(exact)
    elif error <= ZERO:
        return DIGITS
    return min(max(-log10(error), 0.0), DIGITS) if error else DIGITS


def worst(values: Iterable[float], certified: Sequence[str]) -> float:
    """Return the digits of the worst of some values."""
    return min(digits(value, text) for value, text in zip(values, certified, strict=True))


def fitted(name: str, terms: str | None = None, **options: Any) -> list[list[float]]:
    """Fit one set; return coefficients, standard errors, residual standard deviation and R², as lists."""
    known, path = CERTIFIED[name], NIST / f"{name}.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two sets are fitted perfectly, which the digits say
        fit = regress.fit(path, terms or names_of(path)[-1], fit_intercept=known["intercept"], **options)
    coefficients = [fit.b, *fit.w] if known["intercept"] else [*fit.w]
    told = fit.statistics
    if told is None:  # an essentially perfect fit: its certified errors are 0
        assert fit.perfect
        return [coefficients, [0.0] * len(coefficients), [0.0], [fit.r2]]
    return [coefficients, [*fit.bse], [number(told.sigma)], [number(told.r2)]]


def certified(name: str) -> list[list[str]]:
    """Return the same figures as NIST certifies them."""
    known = CERTIFIED[name]
    return [known["coef"], known["stderr"], [known["residual_sd"]], [known["r2"]]]


def of_regress(name: str) -> dict[str, float]:
    """Fit one set by default; return the digits of each kind of figure."""
    return dict(zip(KINDS, map(worst, fitted(name), certified(name)), strict=True))


def names_of(path: Path) -> list[str]:
    """Return the columns of a set, the target last."""
    return path.read_text(encoding="utf-8").partition("\n")[0].split(",")


def formula(name: str) -> str:
    """Return the formula of a set: of a polynomial, that of x alone."""
    *columns, target = names_of(NIST / f"{name}.csv")
    degree, intercept = CERTIFIED[name]["degree"], CERTIFIED[name]["intercept"]
    terms = f"poly(x, {degree})" if degree else " + ".join(columns)
    return f"{target} ~ {terms}{' - 1' * (not intercept)}"


def unit(text: str) -> Fraction:
    """Return one unit of the last digit of a decimal."""
    return Fraction(10) ** int(Decimal(text).as_tuple().exponent)


def within_a_unit(name: str) -> int:
    """Fit the numbers as written; return how many figures are within one unit of the last certified digit."""
    pairs = zip(fitted(name, formula(name), as_written=True), certified(name), strict=True)
    return sum(
        abs(Fraction(value) - Fraction(text)) <= unit(text)
        for values, texts in pairs
        for value, text in zip(values, texts, strict=True)
    )


def exactly(name: str) -> list[list[Decimal]]:
    """Return the figures of `certified` from the text of a file by rational arithmetic; only roots are rounded."""
    known, path = CERTIFIED[name], NIST / f"{name}.csv"
    lines = [[Fraction(cell) for cell in line.split(",")] for line in path.read_text(encoding="utf-8").split()[1:]]
    degree, one, y = known["degree"], known["intercept"], [line[-1] for line in lines]
    rows = [[line[0] ** k for k in range(1, degree + 1)] if degree else line[:-1] for line in lines]
    rows = [[Fraction(1), *row] if one else row for row in rows]
    k = len(rows[0])
    moments = [[sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(k)] for i in range(k)]
    inverse = inverted(moments)
    sums = [sum((row[i] * v for row, v in zip(rows, y, strict=True)), Fraction(0)) for i in range(k)]
    w = [sum((a * v for a, v in zip(row, sums, strict=True)), Fraction(0)) for row in inverse]
    fits = [sum((a * v for a, v in zip(row, w, strict=True)), Fraction(0)) for row in rows]
    rss = sum(((a - v) ** 2 for a, v in zip(fits, y, strict=True)), Fraction(0))
    center = sum(y, Fraction(0)) / len(y) if one else Fraction(0)
    variance = rss / (len(y) - k)
    roots = [variance * inverse[i][i] for i in range(k)], [variance]
    r2 = 1 - rss / sum(((v - center) ** 2 for v in y), Fraction(0))
    return [[*map(decimal, w)], *([EXACT.sqrt(decimal(v)) for v in values] for values in roots), [decimal(r2)]]


def inverted(matrix: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    """Return the inverse of a positive definite matrix, by elimination."""
    size = len(matrix)
    rows = [[*row, *(Fraction(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        head = rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [value - rows[j][i] * other for value, other in zip(rows[j], head, strict=True)]
    return [row[size:] for row in rows]


def decimal(value: Fraction) -> Decimal:
    """Return a fraction to 60 digits."""
    return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def equal(name: str) -> int:
    """Return how many exact figures, rounded to as many digits as are certified, are the certified ones."""
    pairs = [pair for kind in zip(exactly(name), certified(name), strict=True) for pair in zip(*kind, strict=True)]
    return sum(value.quantize(Decimal(text), context=EXACT) == Decimal(text) for value, text in pairs)


def scikit_learn(model: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the coefficients of an estimator that fits the column of ones in its own way."""
    model.fit(X, y)
    return np.append(model.intercept_, model.coef_) if model.fit_intercept else model.coef_


def with_ones(X: np.ndarray, intercept: bool) -> np.ndarray:
    """Return [1 X], or X without an intercept."""
    return np.insert(X, 0, 1.0, axis=1) if intercept else X


def onedal(X: np.ndarray, y: np.ndarray, intercept: bool) -> np.ndarray | None:
    """Return oneDAL's coefficients; None where it is not installed."""
    try:
        from sklearnex.linear_model import LinearRegression as OneDal
    except ImportError:
        return None
    return scikit_learn(OneDal(fit_intercept=intercept), X, y)


PEERS: dict[str, Callable[[np.ndarray, np.ndarray, bool], np.ndarray | None]] = {
    "`LinearRegression()`": lambda X, y, one: scikit_learn(LinearRegression(fit_intercept=one), X, y),
    "`LinearRegression(tol=0)`": lambda X, y, one: scikit_learn(LinearRegression(fit_intercept=one, tol=0.0), X, y),
    "`numpy.linalg.lstsq`": lambda X, y, one: np.linalg.lstsq(with_ones(X, one), y)[0],
    "statsmodels `qr`": lambda X, y, one: sm.OLS(y, with_ones(X, one)).fit(method="qr").params,
    "statsmodels `pinv`": lambda X, y, one: sm.OLS(y, with_ones(X, one)).fit(method="pinv").params,
    "oneDAL": onedal,
}


def peers(name: str) -> list[float | None]:
    """Fit one set with the other tools; return the digits of each one's worst coefficient."""
    known = CERTIFIED[name]
    rows = np.loadtxt(NIST / f"{name}.csv", delimiter=",", skiprows=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the digits say it
        fits = [fit(rows[:, :-1], rows[:, -1], known["intercept"]) for fit in PEERS.values()]
    return [None if values is None else worst(values, known["coef"]) for values in fits]


def table(head: Sequence[str], rows: Mapping[str, Iterable[float | None]]) -> str:
    """Return a Markdown table of digits, a row a set."""
    lines = [f"| set | {' | '.join(head)} |", "|" + "---|" * (len(head) + 1)]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join('–' if d is None else f'{d:.1f}' for d in row)} |")
    return "\n".join(lines) + "\n"


def written() -> str:
    """Return a Markdown table of how many figures are certified, and how many are reached from numbers as written."""
    head = "figures", "within one unit", "exact value", "coefficients without `as_written`"
    lines = [f"| set | formula | {' | '.join(head)} |", "|" + "---|" * (len(head) + 2)]
    counts = []
    for name in CERTIFIED:
        counts.append((sum(map(len, certified(name))), within_a_unit(name), equal(name)))
        by_default = worst(fitted(name, formula(name))[0], CERTIFIED[name]["coef"])
        counted = " | ".join(map(str, counts[-1]))
        lines.append(f"| {name} | `{formula(name)}` | {counted} | {by_default:.1f} digits |")
    lines.append(f"| all | | {' | '.join(str(sum(column)) for column in zip(*counts, strict=True))} | |")
    return "\n".join(lines) + "\n"


def tables() -> str:
    """Fit every set; return the tables under the machine's description."""
    mine = {name: of_regress(name) for name in CERTIFIED}
    beside = {name: [mine[name]["coefficients"], *peers(name)] for name in CERTIFIED}
    alone = {name: row.values() for name, row in mine.items()}
    return "\n".join([heading(), table(["regress", *PEERS], beside), table(KINDS, alone), written()])


if __name__ == "__main__":
    show(__doc__, ACCURACY, "nist", tables)
