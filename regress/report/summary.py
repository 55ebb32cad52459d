"""A fit as text for people: how it ended, a table of coefficients, how well it fits, what to know."""

from regress.aggregates.account import describe
from regress.fit_record import Coefficient, FitRecord
from regress.messages import aligned, paragraph, table_html
from regress.records import TESTS, number

_FORMATS = (".4g", ".4g", "", ".5g", ".5g")  # of TESTS


def summary(known: FitRecord) -> str:
    """Return a fit in the shape that users of R and statsmodels know."""
    head, rows = coefficient_table(known)
    unknown = ["NA: not estimable, as columns are constant or depend on each other."] * any("NA" in r[1:] for r in rows)
    return paragraph([*headline(known), "", *aligned(head, rows), *unknown, "", *quality(known)])


def fit_html(known: FitRecord) -> str:
    """Return a fit as notebooks show it."""
    head, rows = coefficient_table(known)
    return table_html(headline(known), head, rows, [*quality(known), *known.course.notes])


def headline(known: FitRecord) -> list[str]:
    """Return what was fitted, how it was read, and how training ended."""
    trained, course = known.trained, known.course
    return [
        f"{trained.target}: {describe(course.rows)}",
        *([f"Read as {course.read_as}"] if course.read_as else []),
        f"{trained.status}: {course.solver} over {course.over}, {trained.options.gradient} gradient, "
        f"{course.n_iter:,} iteration{'s' * (course.n_iter != 1)}; sums {course.precision} ({course.precision_reason})",
    ]


def coefficient_table(known: FitRecord) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table of coefficients."""
    errors = [] if known.figures is None else TESTS
    digits = [] if known.digits is None else ["digits ≥" if known.certificate is None else "digits"]
    head = ["", "coef", *errors, "standardized", *digits]
    return head, [_row(line, head) for line in known.coefficients]


def _row(line: Coefficient, head: list[str]) -> list[str]:
    if line.status == "dropped":
        return [line.name, "dropped", *[""] * (len(head) - 2)]
    tests = [shown(v, form) or "NA" for v, form in zip(line.tests, _FORMATS, strict=True)] if "t" in head else []
    digits = ["" if line.digits is None else f"{line.digits:.1f}"] if "digits" in head[-1] else []
    return [line.name, f"{line.coef:.10g}", *tests, shown(line.standardized, ".4g"), *digits]


def quality(known: FitRecord) -> list[str]:
    """Return how well it fits, how sure its digits are, and what levels are compared with."""
    course, options, s = known.course, known.trained.options, known.figures
    r2 = f"R² {'' if options.fit_intercept else '(uncentered) '}{r2_of(course.r2)}"
    about = "" if options.fit_intercept else " (about their mean)"
    held = "" if not course.scored else f", on held-out rows{about} {r2_of(course.r2_test)}"
    loss = f"loss {known.trained.objective} {number(known.trained.loss):.10g}"
    last = [*_sure(known), *_references(known)]
    if s is None:
        return [f"{r2}{held}; {loss}", f"No standard errors: {known.statistics_missing}", *last]
    weights = f", {options.weight_type} weights" if options.weighted else ""
    f = f"F {s.fvalue:.6g} on {s.df_model} and {s.df_resid:,.10g}, p {shown(s.f_pvalue)}; " if s.fvalue else ""
    return [
        f"{r2}, adjusted {number(s.r2_adjusted):.6f}{held}; {loss}",
        f"Residual standard error {number(s.sigma):.6g} on {s.df_resid:,.10g} degrees of freedom; "
        f"{s.cov_type} standard errors{weights}",
        f"{f}AIC {number(s.aic):.6g}, BIC {number(s.bic):.6g}; "
        f"condition number of scaled columns {number(s.condition):.3g}",
        *last,
    ]


def r2_of(value: float | None) -> str:
    """Write R² for people; it is undefined where the target does not vary, as in a single row."""
    return "undefined (it needs two different targets)" if value is None else f"{value:.6f}"


def _sure(known: FitRecord) -> list[str]:
    if (proof := known.certificate) is not None:
        norm = f"‖∇L‖ {number(proof.gradient_norm):.2g}"
        if not proof.passed:
            return [f"By exact sums the worst coefficient has {proof.worst:.1f} digits right; {norm}"]
        return [f"Certified by exact sums: all coefficients to {proof.worst:.1f} digits or more; {norm}"]
    if known.digits is None:
        return []
    return [
        f"At least {min(known.digits):.0f} digits of every coefficient, by estimate; `regress certify` certifies them"
    ]


def _references(known: FitRecord) -> list[str]:
    levels = [f"{name}={level}" for name, level in known.references.items()]
    return [f"Levels are compared with {', '.join(levels)}."] if levels else []


def shown(value: float | None, form: str = "") -> str:
    """Write a number for people, a probability without a format; nothing where there is none."""
    if value is None or value != value:
        return ""
    return f"{value:{form}}" if form else "<2e-16" if value < 2e-16 else f"{value:.3g}"
