"""One self-contained page of HTML from a result: no network, one script at most, and all that a table said escaped."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from regress import __version__
from regress.errors import InputError
from regress.fit_record import Coefficient, FitRecord
from regress.messages import visible
from regress.records import CertificateRecord, ComparisonRecord, InspectionRecord, environment
from regress.report import (
    cells,
    certificate_tables,
    coefficient_rows,
    comparison_charts,
    comparison_tables,
    effect_charts,
    ending,
    findings,
    fit_charts,
    inspection,
    inspection_tables,
    residual_charts,
    summary,
    tables,
    training_charts,
)
from regress.report.charts import Chart, Drawing
from regress.report.svg import svg

_TEMPLATES = Path(__file__).parent / "templates"
_TERMS, _NAMED = 12, 4  # of the equation, and names in the first sentence
_ALIKE = 0.1  # digits that are not drawn: they differ by less
_OF_FIT = (
    ("result", "Result"),
    ("effects", "Effects"),
    ("training", "Training"),
    ("residuals", "Residuals"),
    ("rows", "Rows"),
    ("certificate", "How it was computed"),
)
_OF_COMPARISON = (
    ("verdict", "Verdict"),
    ("prediction", "Prediction"),
    ("digits", "Correct digits"),
    ("computation", "How it was computed"),
)
_OF_CERTIFICATE = (
    ("verdict", "Verdict"),
    ("coefficients", "Coefficients"),
    ("meaning", "What it proves"),
    ("computation", "How it was computed"),
)


def of_comparison(comparison: ComparisonRecord, command: str, versions: Mapping[str, str]) -> str:
    """Return the page of a comparison as HTML."""
    return _render(
        "comparison.html",
        comparison=comparison,
        sections=[s for s in _OF_COMPARISON if comparison.metrics or s[0] != "prediction"],
        command=command,
        versions=versions,
        **comparison_charts.of_comparison(comparison)._asdict(),
    )


def of_certificate(certificate: CertificateRecord, command: str) -> str:
    """Return the page of a certificate as HTML."""
    chart = fit_charts.bars_of_digits([(line.name, line.digits) for line in certificate.lines])
    return _render(
        "certificate.html",
        certificate=certificate,
        sections=_OF_CERTIFICATE,
        most=tables.MOST_CERTIFIED,
        digits=Drawing([chart]),
        command=command,
        versions=environment(),
    )


def of_inspection(seen: InspectionRecord, command: str) -> str:
    """Return the page of an inspection as HTML."""
    return _render("inspection.html", seen=seen, command=command, versions=environment())


def of_fit(known: FitRecord, convergence: Drawing, walk: Drawing, told: Sequence[str]) -> str:
    """Return the page of a fit as HTML, with the drawings that need more than the record: what it `told` by step."""
    training = Drawing()
    if known.epochs is not None or known.outcome.best_epoch is not None:
        training, convergence = drawn(lambda: training_charts.training(known)), Drawing(convergence.charts[1:])
    effects = effect_charts.effects(known) if known.terms.effects else ()
    every = coefficient_rows.every(known)
    lacking = {*(() if effects else ("effects",)), *(() if training.charts else ("training",))}
    return _render(
        "fit.html",
        known=known,
        lead=_lead(known),
        ended=" ".join(ending.sentences(known)),
        verdict=" ".join(summary.digits(known)),
        sections=[s for s in _OF_FIT if s[0] not in lacking],
        tested=summary.has_errors(known),
        inestimable=any(line.std_err is None and line.status != "dropped" for line in known.coefficients),
        largest=coefficient_rows.largest(known),
        every=every,
        every_left=max(len(known.columns) - coefficient_rows.MOST, 0),
        terms=_equation(known),
        indicators=_indicator(known),
        effects=Drawing(effects[: effect_charts.MOST_DRAWN]),
        undrawn=len(effects[effect_charts.MOST_DRAWN :]),
        training=training,
        findings=findings.findings(known),
        how_drawn=residual_charts.how_drawn(known.residuals) if known.residuals is not None else "",
        residuals=drawn(lambda: [*residual_charts.residuals(known), *residual_charts.further(known)]),
        digits=_digits(known),
        convergence=convergence if known.outcome.n_iter > 1 else Drawing(),
        walk=walk,
        told=told,
        script=_script(),
    )


def _lead(known: FitRecord) -> str:
    """Return what kind of regression it is, of what on what, and of which table."""
    names = list(dict.fromkeys(line.name if line.level is None else line.column or "" for line in known.columns))
    word = "term" if known.terms.formula else "column"
    on = f"{len(names):,} {word}s"
    if len(names) <= _NAMED:
        named = [cells.short_name(name) for name in names]
        on = " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else "".join(named) or "an intercept"
    without = "" if known.trained.options.fit_intercept else ", without an intercept"
    kind = summary.kind_of_model(known.trained.options)
    return f"{kind} of {cells.short_name(known.trained.target)} on {on}{without} ({known.outcome.source})."


def _digits(known: FitRecord) -> Drawing:
    """Return the chart of correct digits where these differ."""
    found = [line.digits for line in known.coefficients if line.digits is not None]
    if found and max(found) - min(found) < _ALIKE:
        return Drawing()
    return drawn(lambda: [fit_charts.digits(known)])


def drawn(charts: Callable[[], Sequence[Chart]]) -> Drawing:
    """Return charts, or why there are none."""
    try:
        return Drawing(charts())
    except InputError as error:
        return Drawing(why=str(error))


def _equation(known: FitRecord) -> tuple[float | None, list[tuple[str, float, list[str]]], int]:
    """Return b, if fitted, sign, size and factors of the largest terms, and the number of the others."""
    columns = known.columns
    most = {line.name for line in sorted(columns, key=lambda line: -abs(line.standardized or 0.0))[:_TERMS]}
    kept = [line for line in columns if line.name in most]
    terms = [("−" if line.coef < 0 else "+", abs(line.coef), _factors(known, line)) for line in kept]
    b = known.coefficients[0].coef if known.trained.options.fit_intercept else None
    return b, terms, len(columns) - len(kept)


def _factors(known: FitRecord, line: Coefficient) -> list[str]:
    """Return what a coefficient multiplies in the equation: [species = Chinstrap] is 1 where it holds, else 0."""
    pairs = coefficient_rows.factors(known, line)
    return [cells.name_of(name if level is None else f"[{name} = {level}]") for name, level in pairs]


def _indicator(known: FitRecord) -> str:
    """Return the first factor that stands for a level, or nothing."""
    levels = (pair for line in known.columns for pair in coefficient_rows.factors(known, line) if pair[1] is not None)
    return next((cells.name_of(f"[{name} = {level}]") for name, level in levels), "")


def _finalize(value: Any) -> Any:
    """Show what a table said as text: nothing that has no shape, or turns the text around it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {"figure": cells.figure, "significant": cells.significant, "svg": svg}
    environment.globals |= {
        "tables": tables,
        "short_name": cells.short_name,
        "comparison_tables": comparison_tables,
        "certificate_tables": certificate_tables,
        "inspection": inspection,
        "inspection_tables": inspection_tables,
    }
    return environment


@cache
def _script() -> Markup:
    return Markup(_source("descent.js"))


def _render(template: str, **values: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    style = Markup(_source("charts.css") + _source("style.css"))
    return _environment().get_template(template).render(style=style, script_hash=digest, release=__version__, **values)
