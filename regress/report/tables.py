"""The tables of a page: what stands in their cells, each number is shown rounded and stored exactly."""

from dataclasses import asdict
from typing import NamedTuple, Protocol

from markupsafe import Markup

from regress.fit_record import Figures, FitRecord, Outcome
from regress.records import HUBER_ERRORS, number
from regress.report.cells import figure, name_of, p_value, share_of, short_name, shown, significant, small
from regress.report.decimals import statistics
from regress.report.terminal import far_below
from regress.term_records import ResidualGroups, Terms

MOST_CERTIFIED = 500  # coefficients of a certificate


class Table(NamedTuple):
    """A table whose first column names its rows."""

    caption: str
    head: tuple[str, ...]
    rows: list[list[str]]  # text, or Markup
    css: str = ""  # "texts" where its cells are text, not figures; "key" where its names have colors


WORDS = {
    "converged": "Converged",
    "max_iter": "Stopped at the maximum number of iterations",
    "diverged": "Diverged",
    "non_finite": "Stopped: a value became NaN or infinite",
    "interrupted": "Interrupted",
    "epochs": "Stopped after all epochs",
    "early_stopping": "Stopped early",
    "max_seconds": "Stopped at the time limit",
    "callback": "Stopped by a callback",
    "callback_error": "Stopped by an error in a callback",
}


class Tile(NamedTuple):
    """A figure of the head of a page: its name, its value with a class, and what it is of."""

    term: str
    value: str
    css: str = ""
    detail: str = ""


def _good(right: bool) -> str:
    return "good" if right else "bad"


def head(known: FitRecord) -> list[Tile]:
    """Return what a reader wants to know first of a fit."""
    trained, outcome, q = known.trained, known.outcome, known.figures
    found = _stopped(known)
    found.append(Tile(f"R²{_kind(known)}", share_of(outcome.r2), "warn" * _saturated(known), _explained(known)))
    if (how := trained.retransform) is not None and how.r2_original is not None:
        found.append(
            Tile(f"R² in units of {short_name(how.column)}", share_of(how.r2_original), detail="on training rows")
        )
    if outcome.scored:
        found.append(_on_other_rows(known))
    if q is not None and trained.status == "converged":
        found.append(Tile("Typical error", significant(q.sigma, 4), detail=f"in {short_name(trained.target)}"))
    used = Markup("{} of {}").format(figure(trained.n_rows), figure(outcome.rows.rows))
    return [*found, Tile("Rows used", used, detail="for training" if outcome.scored else "")]


def _saturated(known: FitRecord) -> bool:
    """Tell whether a fit has a coefficient for each row, so that R² is 1 whatever the rows are."""
    rank, one = known.outcome.rank, known.trained.options.fit_intercept
    return rank is not None and rank + one >= known.trained.n_rows and not known.trained.options.alpha


def _explained(known: FitRecord) -> str:
    """Write R² as a percentage."""
    r2 = known.outcome.r2
    if _saturated(known):
        return "as many coefficients as rows"
    if r2 is None or r2 < 0.0:
        return "" if r2 is None else "worse than predicting the mean"
    of = "variation" if known.trained.options.fit_intercept else "sum of squares"
    return f"{f'{100.0 * r2:.0f}' if r2 < 0.995 else 'over 99'} % of the {of} explained"


def _stopped(known: FitRecord) -> list[Tile]:
    """Return how training ended, unless it converged."""
    status, gap = known.trained.status, known.outcome.gap
    if status == "converged":
        return []
    detail = "" if gap is None else Markup("loss {} above its minimum").format(figure(gap, ".2g"))
    asked = status == "early_stopping"
    return [Tile("Training", f"{'✓' if asked else '✗'} {WORDS[status]}", f"words {_good(asked)}", detail)]


def _on_other_rows(known: FitRecord) -> Tile:
    """Return R² on rows that were not trained on; whether it is far below R² stands in words and color."""
    outcome = known.outcome
    other, rows = outcome.r2_test, outcome.rows.held_out or outcome.validation_rows
    term, detail = f"R² on {outcome.tested_on} rows", f"of {rows:,} rows" if rows else ""
    if not far_below(outcome):
        return Tile(term, share_of(other), detail=detail)
    below = "worse than predicting the mean" if other is not None and other < 0.0 else "far below R²"
    return Tile(term, share_of(other), "warn", below)


class Proved(Protocol):
    """Figures of a fit in exact arithmetic; None where one is beyond the range of float64."""

    @property
    def gradient_norm(self) -> float | None:
        """‖∇L‖."""

    @property
    def excess_loss(self) -> float | None:
        """L above its minimum."""

    @property
    def loss(self) -> float | None:
        """The minimum."""


def proof(where: str, of: Proved) -> list[Tile]:
    """Return the figures of a fit in exact arithmetic."""
    return [
        Tile(f"‖∇L‖ at {where}", figure(of.gradient_norm, ".3g")),
        Tile("Loss above its minimum", figure(of.excess_loss, ".3g")),
        Tile("Minimum of the loss", significant(of.loss, 10)),
    ]


_KINDS = {
    "used": "used",
    "held_out": "held out",
    "missing": "missing a cell",
    "zero_weight": "of weight zero",
    "bad": "bad",
}


def parts(outcome: Outcome) -> list[tuple[str, int, float]]:
    """Return what became of the rows: the name of the color, the number of rows, and their percentage."""
    rows = outcome.rows
    counts = rows.used, rows.held_out, rows.missing, rows.zero_weight, rows.bad
    of = zip(_KINDS, counts, strict=True)
    return [(kind, count, 100.0 * count / max(rows.rows, 1)) for kind, count in of if count or kind == "used"]


def account(outcome: Outcome) -> Table:
    """Return where every row went."""
    lines: list[list[str]] = [
        [Markup('<i class="{}"></i>{}').format(kind, _KINDS[kind]), figure(count), figure(percent, ".1f")]
        for kind, count, percent in parts(outcome)
    ]
    all_of_them = ["all", figure(outcome.rows.rows), figure(100.0, ".1f")]
    return Table(f"Rows of {outcome.source}", ("Rows", "number", "percent"), [*lines, all_of_them], "key")


def missing_cells(outcome: Outcome) -> Table:
    """Return the columns with missing cells."""
    cells: list[list[str]] = [[name_of(name), figure(count)] for name, count in outcome.rows.missing_cells.items()]
    return Table("Missing cells", ("Column", "cells"), cells)


def _kind(known: FitRecord) -> str:
    return "" if known.trained.options.fit_intercept else ", uncentered"


def quality(known: FitRecord, q: Figures | None) -> list[Tile]:
    """Return how well the model fits; without standard errors, what is known without them."""
    trained = known.trained
    loss = Tile(f"Loss {trained.objective}", significant(trained.loss, 10))
    weight = [] if known.moments is None or not trained.options.weighted else [known.moments.weight]
    weights = [Tile("Sum of weights", significant(each, 10)) for each in weight]
    r2 = [Tile(f"R²{_kind(known)}", figure(known.outcome.r2, ".6f"))]
    if known.outcome.scored:
        about = "" if trained.options.fit_intercept else ", about their mean"
        r2.append(Tile(f"R² on {known.outcome.tested_on} rows{about}", figure(known.outcome.r2_test, ".6f")))
    if q is None:
        return [*r2, loss, *weights]
    return [
        *r2,
        Tile(f"R²{_kind(known)}, adjusted", figure(q.r2_adjusted, ".6f")),
        Tile("Scale" if q.cov_type == HUBER_ERRORS else "Residual standard error", significant(q.sigma, 6)),
        Tile("Degrees of freedom", significant(q.df_resid, 10) if q.df_resid % 1 else figure(int(q.df_resid))),
        Tile("F of all columns", significant(q.fvalue, 5)),
        Tile("p of F", p_value(q.f_pvalue)),
        Tile("AIC", figure(q.aic, ".2f")),
        Tile("BIC", figure(q.bic, ".2f")),
        loss,
        *weights,
        Tile("Condition number of scaled columns", significant(q.condition, 3)),
        Tile("Standard errors", q.cov_type),
    ]


def tests(terms: Terms) -> Table:
    """Return the joint tests of terms of several columns."""
    f = statistics([number(test.f) for test in terms.tests])
    rows: list[list[str]] = [
        [name_of(test.term), figure(test.df), shown(test.f, text), p_value(test.p_value)]
        for test, text in zip(terms.tests, f, strict=True)
    ]
    return Table("Tests of terms of several columns: are all of their coefficients 0?", ("Term", "df", "F", "p"), rows)


def bands(residuals: ResidualGroups) -> Table:
    """Return how many residuals are large, and how many are expected."""
    rows = []
    for low, high, count, normal in residuals.bands:
        band = Markup("beyond {} σ").format(figure(low, "g"))
        if high is not None:
            band = Markup("{} to {} σ").format(figure(low, "g"), figure(high, "g"))
        rows.append([band, "1 to 4" if count is None else figure(count), small(normal, 0.1, ".1f")])
    caption = "Large residuals: observed, and expected if errors were normal"
    return Table(caption, ("Distance from zero", "observed", "expected"), rows)


def settings(known: FitRecord) -> list[Tile]:
    """Return the versions and options behind a model."""
    asked = {name: value for name, value in asdict(known.trained.options).items() if value not in (None, "")}
    return [Tile(name, str(value)) for name, value in {**known.trained.versions, **asked}.items()]
