"""Count, over random small fits, claims of digits above the truth and wrong bits where "nearest" is promised.

    python -m tests.oracles.random_fits --seed 0 --count 20000 --jobs 2

The truth is rational arithmetic. The exit code is 1 if anything is wrong; `--first N --count 1` repeats one fit.
"""

import argparse
import multiprocessing
import re
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning as NotConverged

import regress
from regress import LinearRegressor
from regress.errors import ConvergenceWarning, DataWarning, InputError
from regress.options import Precision
from tests.oracles.random_tables import FAMILIES, draw
from tests.oracles.rational import Minimum, nearest, power
from tests.oracles.truth import Truth

SLACK = 0.05  # what a claim of digits may be above the truth
CHUNK = 50


@dataclass
class Count:
    """What was counted, of one family or of all."""

    fits: int = 0
    promised: int = 0
    wrong: int = 0
    claims: int = 0
    above: int = 0
    worst: float = 0.0
    failed: int = 0
    skipped: int = 0
    refused: int = 0
    seconds: float = 0.0
    kinds: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Count") -> None:
        """Add what was counted elsewhere."""
        for name in ("fits", "promised", "wrong", "claims", "above", "failed", "skipped", "refused", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst = max(self.worst, other.worst)
        for kind, indices in other.kinds.items():
            self.kinds[kind] += indices
        self.refusals += other.refusals


class Examination:
    """One problem, fitted, certified, and compared with the truth."""

    def __init__(self, seed: int, index: int) -> None:
        self.index, self.problem, self.count = index, draw(seed, index), Count(fits=1)
        self.truth = Truth(self.problem)
        p = self.problem
        self.options: dict[str, Any] = {"alpha": p.alpha, "fit_intercept": p.fit_intercept}
        self.tall = self.truth.loss.m > self.truth.loss.n
        self.turn = index // len(FAMILIES)

    def run(self) -> Count:
        """Fit by default and otherwise, certify what is true and what is not."""
        began = time.perf_counter()
        self.fit("auto")
        if self.turn % 2:
            self.fit("float64" if self.tall else "exact")
        if self.tall or not self.turn % 8:  # a certificate of many columns takes long
            self.certify()
        self.count.seconds = time.perf_counter() - began
        return self.count

    def fail(self, kind: str) -> None:
        """Record that something is wrong."""
        self.count.failed += 1
        self.count.kinds[f"{kind}{'' if self.tall else ', n ≥ m'}"].append(self.index)

    def attempt(self, what: str, call: Callable[[], Any]) -> Any:
        """Call; None where the input is refused, or where it fails."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = call()
            except InputError as error:
                self.count.refused += 1
                self.count.refusals[f"{what}: " + re.sub(r"-?\d[\d.e+-]*", "#", str(error))] += 1
                result = None
            except Exception as error:
                self.fail(f"{what}: {type(error).__name__}: {re.sub(r'[0-9]+', '#', str(error))[:80]}")
                result = None
        others = [w for w in caught if not issubclass(w.category, DataWarning | ConvergenceWarning | NotConverged)]
        for text in sorted({f"warns of {w.category.__name__}: {str(w.message)[:60]}" for w in others}):
            self.fail(f"{what}: {text}")
        return result

    def fit(self, precision: Precision) -> None:
        """Fit and look at bits, claims, rank and loss."""
        p, truth, what = self.problem, self.truth, f"fit {precision}"
        given = {"weights": p.weights, "n_jobs": 1, **self.options, "precision": precision}
        fit = self.attempt(what, lambda: regress.fit(p.X, p.y, **given))
        if fit is None:
            return
        if fit.status != "converged" and precision != "float64":
            self.fail(f"{what}: {fit.status}")
        rank, by_noise = truth.loss.rank, bool(fit.equations or fit.constant) and truth.rounding_decides
        if fit.rank is not None and (fit.rank > rank if by_noise else fit.rank != rank):
            self.fail(f"{what}: false {'dependency' if fit.equations else 'rank'}")
        if fit.status == "converged":
            self.check_loss(what, fit)
        exact = fit.precision == "exact"
        if by_noise:
            self.count.skipped += 1
            return
        if exact and not fit.equations:
            self.check_bits(what, fit.w.tolist(), fit.b)
        elif exact and truth.many and truth.norm(fit.w.tolist()) > truth.norm(truth.minimum.w) * (1 + power(-30)):
            self.fail(f"{what}: not of least norm")
        at = truth.near(fit.w.tolist()) if fit.digits is not None else truth.minimum
        if (claimed := fit.digits_at_least) is not None:
            self.check_claims(what, [*claimed.values(), fit.intercept_digits], fit.w.tolist(), fit.b, at)
        if exact and not fit.equations:
            estimator = LinearRegressor(precision=precision, n_jobs=1, **self.options)
            if self.attempt(f"LinearRegressor {precision}", lambda: estimator.fit(p.X, p.y, p.weights)) is not None:
                self.check_bits(f"LinearRegressor {precision}", estimator.coef_.tolist(), estimator.intercept_)

    def check_bits(self, what: str, w: Sequence[float], b: float) -> None:
        """Compare with the nearest doubles; of two that are equally near, either will do."""
        minimum = self.truth.minimum
        for name, got, true in [*(("w", *pair) for pair in zip(w, minimum.w, strict=True)), ("b", b, minimum.b)]:
            self.count.promised += 1
            best = nearest(true)
            if got != best and not abs(Fraction(got) - true) == abs(Fraction(best) - true):
                self.count.wrong += 1
                self.fail(f"{what}: wrong bits of {name}")

    def check_claims(
        self, what: str, claimed: Sequence[float | None], w: Sequence[float], b: float, at: Minimum
    ) -> None:
        """Compare claims of digits, those of w and that of b, with the truth at a minimum."""
        for j, (claim, true) in enumerate(zip(claimed, self.truth.digits(w, b, at), strict=True)):
            self.count.claims += claim is not None
            if claim is not None and claim > true + SLACK:
                self.count.above += 1
                self.count.worst = max(self.count.worst, claim - true)
                size = "" if claim - true < 1 else " by a digit or more"
                self.fail(f"{what}: claims above the truth of {'b' if j == len(w) else 'w'}{size}")

    def check_loss(self, what: str, fit: Any) -> None:
        """Compare with the minimum, and with the loss at the rounded coefficients."""
        truth, least, w = self.truth, nearest(self.truth.least), fit.w.tolist()
        model = fit.model  # which predicts by w and b_center, of which b is rounded
        b = Fraction(model.b_center) - sum(Fraction(v) * Fraction(c) for v, c in zip(w, model.center, strict=True))
        at = nearest(truth.loss.loss(w, b, truth.y))
        off = 1e-14 * at
        if fit.precision == "float64" and self.tall:  # from sums over rows
            off += 2.0**-52 * truth.loss.m * nearest(truth.terms(w, fit.b))
        elif not self.tall:  # from rows, each residual rounded
            rounding = 2.0**-104 * (truth.loss.n + 4) ** 2 * nearest(truth.terms(w, fit.b))
            off += 2 * (at * rounding) ** 0.5 + rounding
        if not least - off <= fit.loss <= at + off:
            self.fail(f"{what}: loss {'below the minimum' if fit.loss < least else 'above that of its coefficients'}")

    def certify(self) -> None:
        """Certify the true coefficients, and one that is wrong in its fourth digit."""
        w, b = self.truth.w, self.truth.b
        if not np.isfinite([*w, b]).all():
            return
        self.check_certificate("certify the truth", w, b, least=15.0)
        wrong = np.random.default_rng(self.index).integers(len(w) + self.problem.fit_intercept)
        moved = [v * 1.001 if j == wrong else v for j, v in enumerate([*w, b])]
        self.check_certificate("certify an error", moved[:-1], moved[-1], least=0.0)

    def check_certificate(self, what: str, w: Sequence[float], b: float, least: float) -> None:
        """Compare a certificate of (w, b) with the truth."""
        p, truth = self.problem, self.truth
        given = {"weights": p.weights, "n_jobs": 1, **self.options}
        got = self.attempt(what, lambda: regress.certify((np.array(w), b), p.X, p.y, **given))
        if got is None:
            return
        if got.excess_loss < 0:
            self.fail(f"{what}: excess loss below 0")
        if got.equations and truth.rounding_decides:
            self.count.skipped += 1
            return
        excess = nearest(truth.loss.loss(w, b, truth.y) - truth.least)
        tiny = nearest(power(-120) * truth.y_square)
        if not close(got.excess_loss, excess, 1e-3 * excess + tiny):
            self.fail(f"{what}: wrong excess loss")
        if not close(got.loss, nearest(truth.least), 1e-12 * got.loss + tiny):
            self.fail(f"{what}: wrong minimum of the loss")
        to_least_norm = got.worst if got.min_norm_digits is None else min(got.min_norm_digits.values())
        if max(got.worst, to_least_norm) < least:
            self.fail(f"{what}: fewer than 15 digits")
        if least and not got.passed and got.effect <= 1e-6:  # far from zero, rounding of w and b costs predictions more
            self.fail(f"{what}: not passed")
        self.check_claims(what, [*got.digits.values(), got.intercept_digits], w, b, truth.near(w))


def close(got: float, true: float, within: float) -> bool:
    """Tell whether two figures agree, infinite ones too."""
    return got == true or abs(got - true) <= within


def examine(seed: int, indices: Sequence[int]) -> dict[str, Count]:
    """Examine some problems; what was counted by family."""
    counts: defaultdict[str, Count] = defaultdict(Count)
    for index in indices:
        examination = Examination(seed, index)
        counts[examination.problem.family].add(examination.run())
    return dict(counts)


def table(counts: dict[str, Count]) -> Iterable[str]:
    """Write what was counted: a line a family, then the kinds of failures and refusals."""
    total = Count()
    for count in counts.values():
        total.add(count)
    yield (
        f"{'':28}{'fits':>7}{'promised':>10}{'wrong':>7}{'claims':>9}{'above':>7}{'worst':>7}"
        f"{'skipped':>9}{'refused':>9}{'s':>7}"
    )
    for name, c in [*((name, counts[name]) for name in FAMILIES if name in counts), ("all", total)]:
        yield (
            f"{name:28}{c.fits:7}{c.promised:10}{c.wrong:7}{c.claims:9}{c.above:7}{c.worst:7.2f}"
            f"{c.skipped:9}{c.refused:9}{c.seconds:7.1f}"
        )
    for kind, indices in sorted(total.kinds.items(), key=lambda item: -len(item[1])):
        fits = list(dict.fromkeys(indices))
        yield f"{len(indices):7}  in {len(fits)} fits: {kind}: {', '.join(map(str, fits[:8]))}"
    for text, number in total.refusals.most_common():
        yield f"{number:7}  refused: {text}"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    indices = range(asked.first, asked.first + asked.count)
    chunks = [indices[i : i + CHUNK] for i in range(0, len(indices), CHUNK)]
    counts: defaultdict[str, Count] = defaultdict(Count)
    with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(examine, [asked.seed] * len(chunks), chunks):
            for family, count in part.items():
                counts[family].add(count)
    print("\n".join(table(counts)))
    return int(any(count.failed for count in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
