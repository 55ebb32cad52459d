"""What a careful reader should know about a fit, in a sentence or two each."""

from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb

from regress.design.row_facts import Facts
from regress.design.terms import Design
from regress.fit_record import FitOptions, Outcome, Trained
from regress.inference.measurement_noise import Collinearity
from regress.inference.sums_of_squares import Squares
from regress.messages import shortened
from regress.numerics.expansions import LONGEST
from regress.records import SQUARED
from regress.report.ending import gap
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.status import Status

_ONE_BY_ONE = "Do not interpret their coefficients one by one."
_LONGEST = 200  # letters of the text of an error
_SPOILED = 0.01  # of the minimum: what rounding of the coefficients may add to the loss


def others(outcome: Outcome, options: FitOptions, names: Sequence[str], collinearity: Collinearity) -> list[str]:
    """Return the notes on a fit that are not warnings."""
    alpha, said = options.alpha, []
    if outcome.huber_scale is not None:
        delta, scale = options.epsilon * outcome.huber_scale, outcome.huber_scale
        of = "given" if options.huber_scale is not None else "that of the least-squares residuals"
        rows = f"{outcome.outliers or 0:,} of {outcome.rows.used:,} row{'s' * (outcome.rows.used != 1)}"
        said.append(
            f"Outliers: {rows}. Their residuals exceed {delta:.4g}, which is {options.epsilon:g} times the scale "
            f"{scale:.4g} ({of})."
        )
    elif outcome.outliers is not None:
        said.append("Least squares fits every row except for rounding, so no row is an outlier.")
    if alpha and outcome.equations and not outcome.dropped:
        said.append(f"Columns depend on each other: {_some(outcome.equations, '; ')}. The penalty decides among them.")
    if alpha and outcome.near_equations:
        said.append(_near(outcome))
    if collinearity.inflated:
        shown = _some([names[j] for j in collinearity.inflated])
        largest = f"the largest variance inflation factor is {collinearity.largest:.2g}"
        said.append(f"Nearly collinear: {shown} ({largest}). {_ONE_BY_ONE}")
    return said


def ending(outcome: Outcome, trained: Trained, *, error: Exception | None, checkpoint: str | None) -> list[str]:
    """Return the warning of a training that ended otherwise than asked, with what a callback raised, if any did."""
    status = Status(trained.status)
    if status.as_asked:
        return []
    why, remedy = [] if error is None else [raised(error)], status.remedy_for(trained.options, checkpoint)
    return [" ".join([status.message, *why, *gap(outcome.gap), remedy])]


def raised(error: Exception) -> str:
    """Return a sentence with the type, place and text of what a callback raised: the place in the callback's file."""
    frames = extract_tb(error.__traceback__)[1:]  # without that of the call
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    place = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    said = " ".join(str(error).split())
    text = f": {shortened(said, _LONGEST).rstrip('.')}" if said else ""
    return f"The callback raised {type(error).__name__}{place}{text}."


def warnings(outcome: Outcome, trained: Trained, n: int, facts: Facts) -> list[str]:
    """Return the notes that `fit` also gives as warnings, of a fit of `n` columns."""
    constant, alpha = outcome.constant, trained.options.alpha
    said = []
    if constant:
        said.append(f"Constant in the training rows, so the coefficient is 0: {_some(constant)}.")
    if trained.options.loss not in (SQUARED, "huber") or trained.options.penalty:
        pass  # dependent columns are those of least squares
    elif outcome.rank is None:
        few = n <= MOST_COLUMNS
        remedy = "To decide, set precision to exact" if few else "There are too many columns to decide which"
        remedy = "To see which, fit them by least squares" if trained.options.loss == "huber" else remedy
        said.append(f"Rank unknown: in float64 some columns may depend on each other. {remedy}.")
    elif outcome.equations and (outcome.dropped or not alpha):
        what = (
            "The coefficients are not unique; the minimum-norm solution is shown. Predictions are unaffected for rows "
            "that satisfy the same equation" + "s" * (len(outcome.equations) > 1)
        )
        if outcome.dropped:
            what = f"Excluded, with coefficient 0: {_some(outcome.dropped)}"
        shown = _some(outcome.equations, "; ")
        said.append(f"Columns depend on each other (rank {outcome.rank} of {n}): {shown}. {what}.")
    elif outcome.rank < n - len(constant) and not alpha:
        said.append(
            f"There are only {outcome.rows.used:,} rows (rank {outcome.rank} of {n}). The coefficients are not unique; "
            "the minimum-norm solution is shown. Other solutions predict new rows differently, "
            "and all of them may predict badly."
        )
    if outcome.near_equations and not alpha:
        said.append(_near(outcome))
    if outcome.perfect:
        known = "" if facts.equal else " Is the target among the features, in other units?"
        said.append(
            "Essentially perfect fit: the residuals are only rounding. There are no standard "
            f"errors, t, F or AIC.{known}"
        )
    if outcome.r2_test is not None and outcome.r2_test < 0:
        rows = f"{outcome.tested_on} rows"
        said.append(f"R² on {rows} is negative: the mean of these rows predicts better than the model.")
    return said + of_rows(facts) + ([] if alpha else _single_rows(facts))


def rounded(squares: Squares, *, formula: bool) -> list[str]:
    """Return a warning if rounding of the coefficients to float64 spoils the predictions of an exact minimum."""
    if squares.excess <= _SPOILED * squares.residual or squares.perfect:
        return []
    more = (squares.residual + squares.excess) / squares.residual
    remedy = (
        "Write powers about their center, as in poly(center(x), 3), or use orthogonal=True"
        if formula
        else "Subtract its mean from each column"
    )
    return [f"Coefficients rounded to float64 raise the loss {more:.3g} times, so predictions are wrong. {remedy}."]


def of_rows(facts: Facts) -> list[str]:
    """Return the notes on the rows, whatever is fitted to them."""
    said = list(facts.of_source)
    if facts.alike:
        said.append(f"Levels that differ by upper and lower case only: {_some(facts.alike, '; ')}.")
    if facts.equal:
        names = _some([repr(name) for name in facts.equal])
        said.append(f"The target equals the {_plural(facts.equal, 'feature')} {names} in every training row.")
    if facts.binary:
        said.append(
            "The target holds only 0 and 1, so this is a linear probability model. "
            "Logistic regression is usual for such a target."
        )
    if facts.split_key is not None:
        said.append(f"The split key {facts.split_key!r} is excluded from the features.")
    if facts.single:
        what = (
            "A text column with a single level is" if len(facts.single) == 1 else "Text columns with a single level are"
        )
        said.append(f"{what} excluded: {_some(facts.single)}.")
    if facts.unseen_cells:
        shown = f" ({_some(facts.unseen)})" if facts.unseen else ""
        held = "cell has a level" if facts.unseen_cells == 1 else "cells have levels"
        outcome = "They count as the reference level"
        if facts.without_reference:
            names = _some([repr(name) for name in facts.without_reference])
            outcome = f"There is no R² on held-out rows, since {names} has no reference level without an intercept"
        said.append(f"{facts.unseen_cells:,} held-out {held} that no training row has{shown}. {outcome}.")
    return said


def of_design(design: Design, dates: Sequence[str], *, as_written: bool) -> list[str]:
    """Return how columns were read and computed, in sentences."""
    said = [f"Column {name!r} holds dates, read as days since 1970-01-01." for name in dates]
    learned = list(dict.fromkeys(call for computed in design.computed for call, _ in computed.learned))
    if learned:
        said.append(f"The table was read once more before the fit, for {_some(learned)}.")
    rounded = [term.label for term in design.terms if sum(term.powers.values()) > LONGEST] if design.formula else []
    if rounded:
        said.append(
            f"Products of more than {LONGEST} factors are rounded to float64: {_some(list(dict.fromkeys(rounded)))}."
        )
    if as_written:
        said.append("Numbers of the table are taken as the decimals that they are written as.")
    return said


def _single_rows(facts: Facts) -> list[str]:
    """Name the coefficients that rest on one row: its leverage is 1, and no standard error shows it."""
    said = []
    if len(facts.alone) == 1:
        said.append(f"Level {facts.alone[0]} rests on a single row: its coefficient fits that row exactly.")
    elif facts.alone:
        names = _some(facts.alone)
        said.append(f"{len(facts.alone):,} levels rest on a single row each, which they fit exactly: {names}.")
    if facts.alone_references:
        names = _some(facts.alone_references)
        said.append(f"A reference level rests on a single row, with which the other levels are compared: {names}.")
    return said


def _plural(of: Sequence[str], word: str) -> str:
    return word if len(of) == 1 else f"{word}s"


def _near(outcome: Outcome) -> str:
    shown = _some(outcome.near_equations, "; ")
    return f"Nearly collinear (they differ only by rounding): {shown}. {_ONE_BY_ONE}"


def _some(texts: Sequence[str], between: str = ", ") -> str:
    """Return the first five of some texts."""
    return between.join([*texts[:5], *["…"] * (len(texts) > 5)])
