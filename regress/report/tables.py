"""The tables of a page: what stands in their cells, each number is shown rounded and stored exactly."""

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import NamedTuple, Protocol

from markupsafe import Markup

from regress.fit_record import Coefficient, Figures, FitRecord, Outcome
from regress.messages import shortened
from regress.records import HUBER_ERRORS, TESTS
from regress.term_records import ResidualGroups, Terms

MOST_CERTIFIED = 500  # coefficients of a certificate
_TALL, _LONG = 40, 240  # rows above which a table scrolls, and letters above which a name is cut


class Table(NamedTuple):
    """A table whose first column names its rows."""

    caption: str
    head: tuple[str, ...]
    rows: list[list[str]]  # text, or Markup
    css: str = ""  # "texts" where its cells are text, not figures; "key" where its names have colors

    @property
    def tall(self) -> bool:
        """Whether it has so many rows that it scrolls."""
        return len(self.rows) > _TALL


def figure(value: float | None, form: str = ".6g") -> Markup:
    """Write a rounded number for people, and all of its digits for machines; a dash for a missing one."""
    if value is None or not isfinite(value):
        return Markup('<span class="none">–</span>')
    text = f"{value:,}" if isinstance(value, int) else f"{value:{form}}"
    return Markup('<data value="{}">{}</data>').format(repr(value), text.replace("-", "−"))


def small(value: float | None, least: float, form: str) -> Markup:
    """Write a number, or that it is below the least that matters."""
    if value is None or not value < least:
        return figure(value, form)
    return Markup('<data value="{}">&lt; {}</data>').format(repr(value), f"{least:g}".replace("-", "−"))


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
Tile = tuple[str, str, str]  # a term, its value, and its class


def _good(right: bool) -> str:
    return "good" if right else "bad"


def head(known: FitRecord) -> list[Tile]:
    """Return what a reader wants to know first of a fit."""
    trained, outcome = known.trained, known.outcome
    right = trained.status in ("converged", "early_stopping")
    found: list[Tile] = [
        ("Status", f"{'✓' if right else '✗'} {WORDS[trained.status]}", _good(right)),
        ("Rows used", figure(trained.n_rows), ""),
    ]
    if trained.options.weighted and known.moments is not None:
        found.append(("Sum of weights", figure(known.moments.weight), ""))
    found.append((f"R²{_kind(known)}", figure(outcome.r2, ".4f"), ""))
    if (how := trained.retransform) is not None and how.r2_original is not None:
        found.append((f"R² in units of {shortened(how.column, 24)}", figure(how.r2_original, ".4f"), ""))
    if outcome.scored:
        worse = outcome.r2_test is not None and outcome.r2_test < 0  # than the mean of the target
        found.append((f"R² on {outcome.tested_on} rows", figure(outcome.r2_test, ".4f"), "bad" if worse else ""))
    if (proved := known.certificate) is not None:
        found.append(("Correct digits, worst coefficient", figure(proved.worst, ".1f"), _good(proved.passed)))
    return found


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
        (f"‖∇L‖ at {where}", figure(of.gradient_norm, ".3g"), ""),
        ("Loss above its minimum", figure(of.excess_loss, ".3g"), ""),
        ("Minimum of the loss", figure(of.loss, ".10g"), ""),
    ]


def name_of(name: str) -> str:
    """Return a name without the middle of a very long one, so that the page stays small."""
    return shortened(name, _LONG)


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
        [Markup('<i class="{}"></i>{}').format(kind, _KINDS[kind]), figure(count), figure(percent, ".4g")]
        for kind, count, percent in parts(outcome)
    ]
    all_of_them = ["all", figure(outcome.rows.rows), figure(100.0, ".4g")]
    return Table(f"Rows of {outcome.source}", ("Rows", "number", "percent"), [*lines, all_of_them], "key")


_TESTS = (
    ("standard error", "std_err", ".4g"),
    ("t", "t", ".4g"),
    ("p-value", "p_value", ".3g"),
    ("interval from", "ci_low", ".5g"),
    ("to", "ci_high", ".5g"),
)


def coefficients(known: FitRecord) -> Table:
    """Return the table of coefficients; if there are many, of those with the largest standardized ones."""
    lines, caption = largest(known), f"Change in {known.trained.target} per unit of each predictor"
    if known.figures is not None:
        if known.arrived:
            caption += f", with {known.trained.options.percent} confidence intervals"
        else:
            caption += "; training did not converge, so the intervals are not about the minimum"
        if any(line.std_err is None and line.status != "dropped" for line in lines):
            caption += "; a dash: not estimable, as columns are constant or depend on each other"
    columns = [
        ("coefficient", "coef", ".10g"),
        *(_TESTS if known.figures is not None else ()),
        ("standardized", "standardized", ".4g"),
        ("correct digits" if known.certificate else "correct digits, at least", "digits", ".1f"),
    ]
    rows = [[name_of(line.name), *_cells(line, columns)] for line in lines]
    return Table(caption, ("Column", *(head for head, _, _ in columns)), rows)


def _cells(line: Coefficient, columns: Sequence[tuple[str, str, str]]) -> list[str]:
    if line.status == "dropped":
        return ["excluded", *[""] * (len(columns) - 1)]
    tests = dict(zip(TESTS, line.tests, strict=True))
    values = {name: tests.get(name, getattr(line, name)) for _, name, _ in columns}
    return [
        small(values[name], 2e-16, form) if name == "p_value" else figure(values[name], form)
        for _, name, form in columns
    ]


def largest(known: FitRecord) -> list[Coefficient]:
    """Return the intercept, if any, and the coefficients that a page shows: of many the largest standardized ones."""
    by_size = sorted(known.columns, key=lambda line: -abs(line.standardized or 0.0))
    shown = {line.name for line in by_size[:MOST_CERTIFIED]}
    return [line for line in known.coefficients if line.column is None or line.name in shown]


def _kind(known: FitRecord) -> str:
    return "" if known.trained.options.fit_intercept else ", uncentered"


def quality(known: FitRecord, q: Figures) -> Table:
    """Return how well the model fits."""
    kind, trained = _kind(known), known.trained
    lines: list[list[str]] = [
        [f"R²{kind}", figure(known.outcome.r2, ".6f")],
        [f"R²{kind}, adjusted", figure(q.r2_adjusted, ".6f")],
        [f"Loss {trained.objective}", figure(trained.loss, ".10g")],
        ["Scale" if q.cov_type == HUBER_ERRORS else "Residual standard error", figure(q.sigma)],
        ["Degrees of freedom", figure(q.df_resid, ",.10g")],
        ["F of all columns", figure(q.fvalue)],
        ["p of F", small(q.f_pvalue, 2e-16, ".3g")],
        ["AIC", figure(q.aic)],
        ["BIC", figure(q.bic)],
        ["Condition number of scaled columns", figure(q.condition, ".3g")],
    ]
    if known.outcome.scored:
        lines.insert(
            1, [f"R² on {known.outcome.tested_on} rows, about their mean", figure(known.outcome.r2_test, ".6f")]
        )
    return Table(f"How well it fits; {q.cov_type} standard errors", ("Figure", "value"), lines)


def tests(terms: Terms) -> Table:
    """Return the joint tests of terms of several columns."""
    rows: list[list[str]] = [
        [name_of(test.term), figure(test.df), figure(test.f, ".5g"), small(test.p_value, 2e-16, ".3g")]
        for test in terms.tests
    ]
    return Table("Terms of several columns: tests that all of their coefficients are 0", ("Term", "df", "F", "p"), rows)


def bands(residuals: ResidualGroups) -> Table:
    """Return how many residuals are large, and how many are expected."""
    rows = []
    for low, high, count, normal in residuals.bands:
        band = Markup("beyond {} σ").format(figure(low, "g"))
        if high is not None:
            band = Markup("{} to {} σ").format(figure(low, "g"), figure(high, "g"))
        rows.append([band, "1 to 4" if count is None else figure(count), small(normal, 0.001, ".3g")])
    caption = "Large residuals: observed, and expected if errors were normal"
    return Table(caption, ("Distance from zero", "observed", "expected"), rows)


def settings(known: FitRecord) -> Table:
    """Return the versions and options behind a model."""
    asked = {name: value for name, value in asdict(known.trained.options).items() if value not in (None, "")}
    rows = [[name, str(value)] for name, value in {**known.trained.versions, **asked}.items()]
    return Table("Versions and options", ("Name", "value"), rows)
