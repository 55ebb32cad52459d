"""A fit as text for people: how it ended, a table of coefficients, how well it fits, what to know."""

from typing import Any

from regress.aggregates.account import describe
from regress.messages import aligned, paragraph
from regress.records import TESTS, objective_text


def summary(fit: Any) -> str:
    """Return a fit in the shape that users of R and statsmodels know."""
    statistics = fit.statistics
    lines = [
        f"{fit.target}: {describe(fit.tally)}",
        *([f"Read as {fit.read_as}"] if fit.read_as else []),
        f"{fit.status}: {fit.solver} over {fit.over}, {fit.options['gradient']} gradient, "
        f"{fit.n_iter:,} iteration{'s' * (fit.n_iter != 1)}; sums {fit.precision} ({fit.precision_reason})",
        "",
    ]
    errors = [] if statistics is None else TESTS
    digits = [] if fit.digits_at_least is None else ["digits ≥" if fit.certificate is None else "digits"]
    head = ["", "coef", *errors, "standardized", *digits]
    rows = []
    for name, w, *tests, beta in fit.lines():
        formats = (".4g", ".4g", "", ".5g", ".5g")
        test = [] if statistics is None else [shown(v, f) or "NA" for v, f in zip(tests, formats, strict=True)]
        if name in fit.dropped:
            rows.append([name, "dropped", *[""] * (len(head) - 2)])
            continue
        rows.append([name, f"{w:.10g}", *test, shown(beta, ".4g"), *_digits_of(fit, name)])
    unknown = ["NA: not estimable, as columns are constant or depend on each other."] * any("NA" in r[1:] for r in rows)
    lines += [*aligned(head, rows), *unknown, "", *_quality(fit)]
    references = [f"{name}={level}" for name, level in fit.reference_levels.items()]
    if references:
        lines.append(f"Levels are compared with {', '.join(references)}.")
    return paragraph(lines)


def _quality(fit: Any) -> list[str]:
    """Return how well it fits, and how sure its digits are."""
    options, s = fit.options, fit.statistics
    r2 = f"R² {'' if options['fit_intercept'] else '(uncentered) '}{r2_of(fit.r2)}"
    about = "" if options["fit_intercept"] else " (about their mean)"
    held = "" if fit.r2_test is None else f", on held-out rows{about} {r2_of(fit.r2_test)}"
    what = objective_text(*(options[name] for name in ("weighted", "alpha", "loss", "penalty")))
    loss = f"loss {what} {fit.loss:.10g}"
    if s is None:
        return [f"{r2}{held}; {loss}", f"No standard errors: {fit.statistics_missing}", *_sure(fit)]
    weights = f", {options['weight_type']} weights" if options["weighted"] else ""
    return [
        f"{r2}, adjusted {s.r2_adjusted:.6f}{held}; {loss}",
        f"Residual standard error {s.sigma:.6g} on {s.df_resid:,.10g} degrees of freedom; "
        f"{s.cov_type} standard errors{weights}",
        (
            f"F {s.fvalue:.6g} on {s.df_model} and {s.df_resid:,.10g}, p {shown(s.f_pvalue)}; "
            if s.fvalue == s.fvalue
            else ""
        )
        + f"AIC {s.aic:.6g}, BIC {s.bic:.6g}; condition number of scaled columns {s.condition:.3g}",
        *_sure(fit),
    ]


def r2_of(value: float) -> str:
    """Write R² for people; it is undefined where the target does not vary, as in a single row."""
    return "undefined (it needs two different targets)" if value != value else f"{value:.6f}"


def _sure(fit: Any) -> list[str]:
    if fit.certificate is not None:
        c = fit.certificate
        if not c.passed:
            return [f"By exact sums the worst coefficient has {c.worst:.1f} digits right; ‖∇L‖ {c.gradient_norm:.2g}"]
        return [
            f"Certified by exact sums: all coefficients to {c.worst:.1f} digits or more; ‖∇L‖ {c.gradient_norm:.2g}"
        ]
    if fit.digits_at_least is None:
        return []
    return [
        f"At least {min(fit.digits_at_least.values()):.0f} digits of every coefficient, by estimate; "
        "`regress certify` certifies them"
    ]


def _digits_of(fit: Any, name: str) -> list[str]:
    if fit.digits_at_least is None:
        return []
    digits = fit.intercept_digits if name == "(intercept)" else fit.digits_at_least[name]
    return ["" if digits is None else f"{digits:.1f}"]


def shown(value: float, form: str = "") -> str:
    """Write a number for people, a probability without a format; nothing for NaN."""
    if value != value:
        return ""
    return f"{value:{form}}" if form else "<2e-16" if value < 2e-16 else f"{value:.3g}"
