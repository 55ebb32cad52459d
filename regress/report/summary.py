"""A fit as text for people: the model, its quality, how it was computed, the coefficients, and notes."""

from regress.fit_record import Coefficient, Figures, FitOptions, FitRecord
from regress.messages import aligned, paragraph, table_html, visible
from regress.records import HUBER_ERRORS, SQUARED, number
from regress.report import ending
from regress.report.decimals import estimates, probabilities, share, statistics

_FULL = 15.9  # digits of a float64
_MARKS = {"constant": "constant", "dependent": "not unique", "dropped": "excluded"}
MARK = " "  # the head of the column of marks


def summary(record: FitRecord, vif: bool = False) -> str:
    """Return a fit in the shape that users of R and statsmodels know, with variance inflation factors if asked."""
    lines, (of_terms, tests) = headline(record), term_table(record)
    joint = aligned(of_terms, tests) if tests else []
    for more in (coefficient_lines(record, vif), joint, read_as(record), notes(record)):
        lines += ["", *more] if more else []
    return paragraph(lines)


def coefficient_lines(record: FitRecord, vif: bool = False) -> list[str]:
    """Return the lines of the table of coefficients."""
    head, rows = coefficient_table(record, vif)
    return _spanned(head, rows) if record.terms.formula else aligned(head, rows, left=(MARK,))


def read_as(record: FitRecord) -> list[str]:
    """Return how the table's files are written, if they are files."""
    return [f"Read as: {record.outcome.read_as}."] * bool(record.outcome.read_as)


def _spanned(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table whose headings of terms, which may be long, do not widen its first column."""
    lines = aligned(head, [row for row in rows if any(row[1:])], left=(MARK,))
    for at, row in enumerate(rows, start=1):
        if not any(row[1:]):
            lines.insert(at, visible(row[0]))
    return lines


def fit_html(record: FitRecord) -> str:
    """Return a fit as notebooks show it."""
    (head, rows), (of_terms, tests) = coefficient_table(record), term_table(record)
    if not tests:
        return table_html(headline(record), head, rows, notes(record))
    return table_html(headline(record), head, rows, []) + "\n" + table_html([], of_terms, tests, notes(record))


def headline(record: FitRecord) -> list[str]:
    """Return the model, its quality, how it was computed, and its correct digits."""
    return [*fitted(record), "".join(shares(record)), *quality(record), *ended(record)]


def has_errors(record: FitRecord) -> bool:
    """Tell whether the standard errors of a fit are shown: it has some, and it is at its minimum."""
    return record.figures is not None and record.trained.status == "converged"


def notes(record: FitRecord) -> list[str]:
    """Return the notes."""
    return [f"Note: {visible(note)}" for note in record.outcome.notes]


def kind_of_model(options: FitOptions) -> str:
    """Return what kind of regression a model is, such as "Ridge regression (alpha 1)"."""
    kind = "weighted linear regression" if options.weighted else "linear regression"
    kind = f"ridge regression (alpha {options.alpha:g})" if options.alpha else kind
    if options.loss == "huber":
        kind = f"{kind} with Huber's loss"
    loss = "" if options.loss in (SQUARED, "huber") else options.loss
    objects = [f"{what} {text}" for what, text in (("loss", loss), ("penalty", options.penalty)) if text]
    kind = f"regression ({', '.join(objects)})" if objects else kind
    return f"{kind[0].upper()}{kind[1:]}"


def fitted(record: FitRecord) -> list[str]:
    """Return the model and its rows."""
    options, rows = record.trained.options, record.outcome.rows
    n = len(record.coefficients) - options.fit_intercept
    on = f"{n:,} column{'s' * (n != 1)}{'' if options.fit_intercept else ', without an intercept'}"
    weights = f", {options.weight_type} weights" if options.weighted else ""
    lines = [f"{kind_of_model(options)} of {record.trained.target} on {on}{weights} ({record.outcome.source})"]
    lines += [f"Formula: {visible(record.terms.formula)}"] * bool(record.terms.formula)
    parts = {name: getattr(rows, name) for name in ("held_out", "missing", "zero_weight", "bad")}
    others = [f"{count:,} {name.replace('_', ' ')}" for name, count in parts.items() if count]
    used = f"{rows.used:,} row{'s' * (rows.used != 1)}"
    if options.weight_type == "frequency" and options.weighted:
        used += f" that count as {record.outcome.nobs:,.10g}"
    return [*lines, f"{used} used of {rows.rows:,} ({', '.join(others)})" if others else used]


def shares(record: FitRecord) -> tuple[str, str]:
    """Return R², and R² on held-out rows, if there are any."""
    outcome, figures = record.outcome, record.figures
    uncentered = "" if record.trained.options.fit_intercept else "(uncentered) "
    r2 = f"R² {uncentered}{_share(outcome.r2)}"
    adjusted = "" if figures is None or figures.r2_adjusted is None else f", adjusted R² {share(figures.r2_adjusted)}"
    about = "" if record.trained.options.fit_intercept else " (about their mean)"
    held = f", R² on {outcome.tested_on} rows{about} {_share(outcome.r2_test)}" if outcome.scored else ""
    return f"{r2}{adjusted}", held


def quality(record: FitRecord) -> list[str]:
    """Return R² in other units, the residual standard error and tests; or why there are none."""
    if record.figures is None:
        return [*_in_units(record), f"No standard errors: {record.statistics_missing}"]
    return [*_in_units(record), *_errors(record.figures, record.trained.options.level)]


def _in_units(record: FitRecord) -> list[str]:
    """Return R² in the units of a transformed target's column, and the rows that it is of."""
    how, rows = record.trained.retransform, record.trained.n_rows
    if how is None or how.r2_original is None:
        return []
    about = "" if record.trained.options.fit_intercept else " (about the mean)"
    of = "" if how.rows == rows else f" on {how.rows:,} of these rows"
    held = "" if how.r2_test_original is None else f", on {record.outcome.tested_on} rows {share(how.r2_test_original)}"
    return [f"R² in units of {how.column}{about} {share(how.r2_original)}{of}{held}"]


def _share(value: float | None) -> str:
    return "undefined (it needs two different targets)" if value is None else share(value)


def _errors(figures: Figures, level: float) -> list[str]:
    freedom = f"{figures.df_resid:,.10g}"
    f, (p,) = figures.fvalue, probabilities([figures.f_pvalue or 0.0])
    f_test = f"F {f:.5g} on {figures.df_model:,} and {freedom}, p {p}" if f else ""
    known = {"AIC": figures.aic, "BIC": figures.bic, "log-likelihood": figures.llf}
    criteria = [f"{name} {value:.2f}" for name, value in known.items() if value is not None]
    unit = "degree" if figures.df_resid == 1 else "degrees"
    condition = "" if figures.condition is None else f"Condition number {figures.condition:.3g}; "
    if figures.cov_type == HUBER_ERRORS:
        return [
            f"Scale of the residuals {figures.sigma or 0.0:.4g}, on {freedom} {unit} of freedom",
            f"{condition}{figures.cov_type} standard errors; tests and {100.0 * level:.10g} % confidence intervals are "
            "those of the normal distribution",
        ]
    return [
        f"Residual standard error {figures.sigma or 0.0:.4g} on {freedom} {unit} of freedom",
        *([f_test] if f_test else []),
        *([", ".join(criteria)] if criteria else []),
        f"{condition}{figures.cov_type} standard errors, {100.0 * level:.10g} % confidence intervals",
    ]


def ended(record: FitRecord) -> list[str]:
    """Return how the fit was computed, and its correct digits."""
    trained = record.trained
    loss = [] if trained.loss is None else [f"{trained.objective} = {trained.loss:.10g}"]
    return [*loss, " ".join(ending.sentences(record)), *digits(record)]


def digits(record: FitRecord) -> list[str]:
    """Return the number of correct digits of the coefficients."""
    known = [line.digits for line in record.coefficients if line.digits is not None]
    if record.certificate is not None:
        if record.certificate.passed and min(known, default=0.0) >= _FULL:
            return ["Verified: every coefficient is correct to full double precision."]
        verified = "Verified" if record.certificate.passed else "Not verified"
        return [f"{verified}: the worst coefficient has {record.certificate.worst:.1f} correct digits."]
    if not known:
        return []
    return [f"Estimate: at least {min(known):.0f} correct digits in every coefficient. Measure them: regress certify."]


def coefficient_table(record: FitRecord, vif: bool = False) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the table of coefficients: levels stand below their column, with the reference level."""
    lines, stopped = record.coefficients, record.trained.status != "converged"
    kept = [line.status != "dropped" for line in lines]
    coefs = [line.coef if shown else float("nan") for line, shown in zip(lines, kept, strict=True)]
    errors, t, p, low, high = zip(*[line.tests for line in lines], strict=True)
    columns = {"coef": estimates(coefs, errors)}
    if has_errors(record):
        columns |= {"std_err": estimates(errors, errors), "t": statistics(t), "p_value": probabilities(p)}
        columns |= {"ci_low": estimates(low, errors), "ci_high": estimates(high, errors)}
    if vif and any(line.vif is not None for line in lines):
        columns["vif"] = ["" if line.vif is None else f"{line.vif:.2f}" for line in lines]
    right = [line.digits for line in lines if line.digits is not None]
    if right and min(right) < _FULL and f"{min(right):.1f}" != f"{max(right):.1f}":
        columns["digits"] = ["" if line.digits is None else f"{line.digits:.1f}" for line in lines]
    early = "stopped early" if record.trained.status == "early_stopping" else "not converged"
    marks = [early if stopped else _MARKS.get(line.status, "") for line in lines]
    columns |= {MARK: marks} if any(marks) else {}
    rows = []
    for j, line in enumerate(lines):
        if line.level is not None and (j == 0 or lines[j - 1].column != line.column or lines[j - 1].level is None):
            rows.append([_heading(line, record), *[""] * len(columns)])
        name = line.name if line.level is None else f"  {line.level}"
        rows.append([name, *(column[j] for column in columns.values())])
    return ["", *columns], rows


def term_table(record: FitRecord) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the joint tests of terms of several columns; no rows without a formula."""
    tests = record.terms.tests if record.terms.formula else ()
    f, p = (statistics([number(t.f) for t in tests]), probabilities([number(t.p_value) for t in tests]))
    rows = [[t.term, str(t.df), *of_one] for t, *of_one in zip(tests, f, p, strict=True)]
    return ["terms of several columns", "df", "F", "p_value"], rows


def _heading(line: Coefficient, record: FitRecord) -> str:
    name = line.column or ""
    if name in record.references:
        return f"{name} (reference level: {record.references[name]})"
    return f"{name} (sum coding, without {record.terms.sum_coded[name]})" if name in record.terms.sum_coded else name
