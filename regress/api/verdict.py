"""Who is right in a comparison: each tool's fit as measured, and the verdict in words."""

from dataclasses import dataclass
from importlib.metadata import version
from math import nan

from regress.blocks import Array
from regress.inference.certified import EFFECT
from regress.inference.judge import Judge, Measure
from regress.records import ToolRecord, known

_CLOSE = 1e-9  # loss above the minimum, as a part of Σ(y − ȳ)², that dependent columns allow


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FittedRow(Measure):
    """One tool's fit, measured on the training rows. A tool that failed has no `w`, and a `note` that says why.

    Attributes
    ----------
    name : str
        The tool, as a user would call it.
    asked : str
        What it was asked to do.
    w, b : array of shape (n,), float
        Its coefficients and intercept, in the user's units.
    seconds : float
        Of fitting only.
    n_iter, rank : int or None
        What the tool says of them.
    note : str
        Why there is no fit, or the warnings of the tool.
    """

    name: str
    asked: str = ""
    w: Array | None = None
    b: float = nan
    seconds: float = nan
    n_iter: int | None = None
    rank: int | None = None
    note: str = ""

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
            r2_test=known(self.r2_test),
            seconds=known(self.seconds),
            n_iter=self.n_iter,
            rank=self.rank,
        )


def verdict_of(fits: list[FittedRow], names: tuple[str, ...], judge: Judge, digits: float) -> tuple[bool, list[str]]:
    """Decide by ``LinearRegression()``, and say in words who disagrees, by how much and why."""
    said, agree, best = [], False, judge.best
    by_loss = best.minimum is None and best.rank is not None and best.rank < len(names)
    basis = "loss at the minimum, with dependent columns" if by_loss else f"{digits:g} digits or more"
    for fit in fits:
        enough = min(fit.digits, fit.intercept_digits) >= digits
        right = fit.excess_loss <= _CLOSE * judge.variation if by_loss else enough or fit.moved <= EFFECT
        near = fit.w is not None and bool(right)
        if not near and fit.w is not None:
            said.append(_disagreement(fit, names, judge))
        if fit.name == "LinearRegression()":
            agree = near
            if near and not by_loss and not enough:
                basis = (
                    f"not in {digits:g} digits, but no fitted value changes by more than {EFFECT:g} of the spread of y"
                )
    word = "agrees" if agree else "does not agree"
    first = f"scikit-learn {version('scikit-learn')}'s LinearRegression() {word} with us ({basis})."
    if best.minimum is not None and best.minimum.dependence.relations:
        shown = "; ".join(r.text(names) for r in best.minimum.dependence.relations[:5])
        said.append(f"Columns depend on each other ({shown}): digits are counted to the nearest of many minimizers.")
    return agree, [first, *said]


def _disagreement(fit: FittedRow, names: tuple[str, ...], judge: Judge) -> str:
    assert fit.w is not None
    best, worst = judge.best, fit.worst
    part = fit.excess_loss / judge.variation if judge.variation else 0.0
    digits, name, says, we = fit.digits, repr(names[worst]), fit.w[worst], best.w[worst]
    if fit.intercept_digits < digits:
        digits, name, says, we = fit.intercept_digits, "the intercept", fit.b, best.b
    text = (
        f"{fit.name} disagrees: {digits:.1f} digits in its worst coefficient; of {name} it "
        f"says {says:.6g}, we say {we:.6g}; a fitted value changes by up to {fit.moved:.2g} of the spread of y; "
        f"the loss is {fit.excess_loss:.3g} above the minimum, {part:.2g} of the variation of y."
    )
    if fit.rank is not None and best.rank is not None and fit.rank < best.rank:
        return (
            f"{text} It took {fit.rank} of {best.rank} independent columns: its cut-off on singular values drops "
            "what is small next to the largest column, however much it explains."
        )
    if fit.excess_loss > judge.variation:
        return f"{text} It diverged: a constant would predict better."
    if fit.n_iter is not None:
        return f"{text} It stopped after {fit.n_iter:,} iterations, before the gradient vanished."
    return text
