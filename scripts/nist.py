"""Correct digits on NIST's certified linear sets: regress and other tools, on their defaults.

python scripts/nist.py             # print the two tables
python scripts/nist.py --write     # and put them into docs/accuracy.md
"""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import log10
from typing import Any

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression

import regress
from bench.report import heading
from marked import ACCURACY, ROOT, show
from regress.records import number

NIST = ROOT / "data" / "nist"
CERTIFIED: dict[str, dict[str, Any]] = json.loads((NIST / "certified.json").read_text(encoding="utf-8"))
DIGITS = 15.0  # as many are certified
ZERO = 1e-13  # what is smaller meets a certified 0


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


def of_regress(name: str) -> dict[str, float]:
    """Fit one set by default; return the digits of each kind of figure."""
    known = CERTIFIED[name]
    path, intercept = NIST / f"{name}.csv", known["intercept"]
    target = path.read_text(encoding="utf-8").partition("\n")[0].split(",")[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two sets are fitted perfectly, which the digits say
        fit = regress.fit(path, target, fit_intercept=intercept)
    told = fit.statistics
    if told is None:  # an essentially perfect fit: its certified errors are 0
        assert fit.perfect
        errors, sigma, r2 = [0.0] * len(known["stderr"]), 0.0, fit.r2
    else:
        errors, sigma, r2 = list(fit.bse), number(told.sigma), number(told.r2)
    return {
        "coefficients": worst([fit.b, *fit.w] if intercept else fit.w, known["coef"]),
        "standard errors": worst(errors, known["stderr"]),
        "residual standard deviation": digits(sigma, known["residual_sd"]),
        "R²": digits(r2, known["r2"]),
    }


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


def tables() -> str:
    """Fit every set; return both tables under the machine's description."""
    mine = {name: of_regress(name) for name in CERTIFIED}
    beside = {name: [mine[name]["coefficients"], *peers(name)] for name in CERTIFIED}
    alone = {name: row.values() for name, row in mine.items()}
    kinds = list(next(iter(mine.values())))
    return "\n".join([heading(), table(["regress", *PEERS], beside), table(kinds, alone)])


if __name__ == "__main__":
    show(__doc__, ACCURACY, "nist", tables)
