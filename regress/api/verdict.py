"""The verdict of a comparison: each tool's fit as measured, and which tools disagree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from math import isfinite, nan
from typing import NamedTuple

from regress.blocks import Array
from regress.inference.certified import EFFECT
from regress.inference.judge import Judge, Measure
from regress.records import FoldScores, ToolRecord, known

_CLOSE = 1e-9  # loss above the minimum, as a part of Σ(y − ȳ)², that dependent columns allow


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FittedRow(Measure):
    """One tool's fit, measured on the training rows. If a tool failed, it has no figures, and `note` gives the reason.

    Attributes
    ----------
    name : str
        The tool, as a user would call it.
    asked : str
        The options of its fit.
    w, b : array of shape (n,), float
        Its coefficients and intercept, in the user's units; none where it is no linear model of the rows.
    seconds : float
        Time of the fit alone.
    n_iter, rank : int or None
        What the tool reports.
    note : str
        The reason why there is no fit, or the warnings of the tool.
    added : bool
        Whether the user added it, so that it is measured but not judged.
    metrics : dict
        How well it predicts held-out rows: a value by metric.
    cv : dict
        How well it predicts the folds of a cross-validation: `FoldScores` by metric.
    """

    name: str
    asked: str = ""
    w: Array | None = None
    b: float = nan
    seconds: float = nan
    n_iter: int | None = None
    rank: int | None = None
    note: str = ""
    added: bool = False
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    cv: Mapping[str, FoldScores] = field(default_factory=dict)

    def metric(self, name: str) -> float | None:
        """Return a metric on held-out rows, or its mean over the folds; None where it has none."""
        return self.cv[name].mean if name in self.cv else self.metrics.get(name)

    @property
    def record(self) -> ToolRecord:
        """What is shown of it, as plain values."""
        has = self.w is not None
        return ToolRecord(
            name=self.name,
            asked=self.asked,
            note=self.note,
            coef=None if self.w is None else tuple(self.w.tolist()),
            intercept=known(self.b),
            digits=known(self.digits) if has else None,
            digits_of=None if self.digits_of is None else tuple(self.digits_of.tolist()),
            intercept_digits=known(self.intercept_digits),
            moved=known(self.moved),
            excess_loss=known(self.excess_loss),
            loss=known(self.loss),
            gradient_norm=known(self.gradient_norm),
            seconds=known(self.seconds),
            n_iter=self.n_iter,
            rank=self.rank,
            added=self.added,
            metrics=self.metrics,
            cv=self.cv,
        )


class Verdict(NamedTuple):
    """Whether ``LinearRegression()`` agrees, the tools that do not, and both in words."""

    agree: bool
    disagree: tuple[str, ...]
    said: list[str]


def verdict_of(fits: list[FittedRow], names: tuple[str, ...], judge: Judge, digits: float) -> Verdict:
    """Decide by ``LinearRegression()``, and describe which tools disagree, by how much and why."""
    said, wrong, agree, best = [], [], False, judge.best
    by_loss = best.minimum is None and best.rank is not None and best.rank < len(names)
    basis = (
        "its loss is at the minimum; columns depend on each other" if by_loss else f"{digits:g} or more correct digits"
    )
    for fit in fits:
        if fit.added:
            continue
        enough = min(fit.digits, fit.intercept_digits) >= digits
        right = fit.excess_loss <= _CLOSE * judge.variation if by_loss else enough or fit.moved <= EFFECT
        near = fit.w is not None and bool(right)
        if not near and fit.w is not None:
            wrong.append(fit.name)
            said.append(_disagreement(fit, names, judge))
        if fit.name == "LinearRegression()":
            agree = near
            if near and not by_loss and not enough:
                basis = (
                    f"fewer than {digits:g} correct digits, but no fitted value changes by more than {EFFECT:g} of "
                    "the spread of y"
                )
            elif fit.w is None:
                basis = "it did not return a fit"
            elif not near:
                basis = "its loss is not at the minimum" if by_loss else f"fewer than {digits:g} correct digits"
    word = "is correct" if agree else "is wrong here"
    first = f"LinearRegression() of scikit-learn {version('scikit-learn')} {word}: {basis}."
    if best.minimum is not None and best.minimum.dependence.relations:
        shown = "; ".join(r.text(names) for r in best.minimum.dependence.relations[:5])
        said.append(f"Columns depend on each other ({shown}). Digits are counted to the nearest of many minimizers.")
    if added := [fit.name for fit in fits if fit.added and isfinite(fit.loss)]:
        said.append(f"Measured, not judged, as each may minimize another loss: {', '.join(added)}.")
    return Verdict(agree, tuple(wrong), [first, *said])


def _disagreement(fit: FittedRow, names: tuple[str, ...], judge: Judge) -> str:
    assert fit.w is not None
    best, worst = judge.best, fit.worst
    part = fit.excess_loss / judge.variation if judge.variation else 0.0
    digits, name, value, true = fit.digits, f"Coefficient of {names[worst]!r}", fit.w[worst], best.w[worst]
    if fit.intercept_digits < digits:
        digits, name, value, true = fit.intercept_digits, "Intercept", fit.b, best.b
    reference = "exact" if best.minimum is not None else "best fit"
    text = (
        f"{fit.name} disagrees: its worst coefficient has {digits:.1f} correct digits. "
        f"{name}: {value:.6g}, {reference} {true:.6g}. "
        f"A fitted value changes by up to {fit.moved:.2g} of the spread of y. "
        f"The loss is {fit.excess_loss:.3g} above the minimum, {part:.2g} of the variation of y."
    )
    if fit.rank is not None and best.rank is not None and fit.rank < best.rank:
        return (
            f"{text} It treated X as rank {fit.rank} of {best.rank}: its singular-value cutoff discards columns that "
            "are small compared with the largest."
        )
    if fit.excess_loss > judge.variation:
        return f"{text} It diverged: a constant would predict better."
    if fit.n_iter is not None:
        steps = f"{fit.n_iter:,} iteration{'s' * (fit.n_iter != 1)}"
        return f"{text} It stopped after {steps}, before it converged."
    return text
