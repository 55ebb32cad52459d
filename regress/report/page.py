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
from regress.fit_record import FitRecord
from regress.messages import visible
from regress.records import CertificateRecord, ComparisonRecord, environment
from regress.report import (
    certificate_tables,
    comparison_charts,
    comparison_tables,
    effect_charts,
    ending,
    fit_charts,
    residual_charts,
    tables,
    training_charts,
)
from regress.report.charts import Chart, Drawing
from regress.report.svg import svg

_TEMPLATES = Path(__file__).parent / "templates"
_TERMS = 12  # of the equation
_SECTIONS = (
    ("rows", "Rows"),
    ("equation", "Equation"),
    ("coefficients", "Coefficients"),
    ("effects", "Effects"),
    ("certificate", "Certificate"),
    ("convergence", "Convergence"),
    ("residuals", "Residuals"),
    ("descent", "The descent"),
    ("collinearity", "Collinearity"),
    ("environment", "Environment"),
)
_OF_COMPARISON = (
    ("verdict", "Verdict"),
    ("prediction", "Prediction"),
    ("digits", "Correct digits"),
    ("computed", "How it was computed"),
)
_OF_CERTIFICATE = (
    ("verdict", "Verdict"),
    ("coefficients", "Coefficients"),
    ("meaning", "What it proves"),
    ("computed", "How it was computed"),
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


def of_fit(known: FitRecord, convergence: Drawing, walk: Drawing, told: Sequence[str]) -> str:
    """Return the page of a fit as HTML, with the drawings that need more than the record: what it `told` by step."""
    steps = convergence
    if known.epochs is not None:
        steps = drawn(lambda: [*training_charts.training(known), *convergence.charts[1:]])
    effects = effect_charts.effects(known) if known.terms.effects else ()
    lacking = {*(() if known.outcome.equations else ("collinearity",)), *(() if effects else ("effects",))}
    return _render(
        "fit.html",
        known=known,
        ended=" ".join(ending.sentences(known)),
        sections=[s for s in _SECTIONS if s[0] not in lacking],
        lines_left=len(known.coefficients) - len(tables.largest(known)),
        terms=_equation(known),
        betas=Drawing([fit_charts.coefficients(known)]),
        effects=Drawing(effects[: effect_charts.MOST_DRAWN]),
        undrawn=len(effects[effect_charts.MOST_DRAWN :]),
        digits=drawn(lambda: [fit_charts.digits(known)]),
        convergence=steps,
        residuals=drawn(lambda: [*residual_charts.residuals(known), *residual_charts.further(known)]),
        walk=walk,
        told=told,
        script=_script(),
    )


def drawn(charts: Callable[[], Sequence[Chart]]) -> Drawing:
    """Return charts, or why there are none."""
    try:
        return Drawing(charts())
    except InputError as error:
        return Drawing(why=str(error))


def _equation(known: FitRecord) -> tuple[float | None, list[tuple[str, float, str]], int]:
    """Return b, if fitted, sign, size and name of the largest terms, and the number of the others."""
    columns = known.columns
    by_size = sorted(columns, key=lambda line: -abs(line.standardized or 0.0))
    most = {line.name for line in by_size[:_TERMS]}
    shown = [("−" if line.coef < 0 else "+", abs(line.coef), line.name) for line in columns if line.name in most]
    b = known.coefficients[0].coef if known.trained.options.fit_intercept else None
    return b, shown, len(columns) - len(shown)


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
    environment.filters |= {"figure": tables.figure, "svg": svg}
    environment.globals |= {
        "tables": tables,
        "comparison_tables": comparison_tables,
        "certificate_tables": certificate_tables,
    }
    return environment


@cache
def _script() -> Markup:
    return Markup(_source("descent.js"))


def _render(template: str, **values: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    style = Markup(_source("charts.css") + _source("style.css"))
    return _environment().get_template(template).render(style=style, script_hash=digest, release=__version__, **values)
