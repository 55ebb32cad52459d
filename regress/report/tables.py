"""The tables of a page: what stands in their cells, all figures with their full precision beside what is shown."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from markupsafe import Markup

from regress.records import ModelRecord, objective_text
from regress.report.charts import shortened
from regress.report.fit_charts import arrived

MOST_CERTIFIED = 500  # of a certificate
_TALL, _LONG = 40, 240  # rows above which a table scrolls, and letters above which a name is cut


class Table(NamedTuple):
    """A table whose first column names its rows."""

    caption: str
    head: tuple[str, ...]
    rows: list[list[Any]]
    css: str = ""  # "texts" where its cells are text, not figures; "key" where its names have colors

    @property
    def tall(self) -> bool:
        """Whether it has so many rows that it scrolls."""
        return len(self.rows) > _TALL


def figure(value: Any, form: str = ".6g") -> Markup:
    """Write a number for people, with all of its digits beside it for machines; a dash where there is none."""
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
    "max_iter": "Stopped at the limit of iterations",
    "diverged": "Diverged",
    "non_finite": "Stopped at a number that is none",
    "interrupted": "Interrupted",
}
Tile = tuple[str, Any, str]  # a term, its value, and its class


def _good(right: bool) -> str:
    return "good" if right else "bad"


def head(model: ModelRecord) -> list[Tile]:
    """Return what a reader wants to know first of a fit."""
    report, right = model.report, model.status == "converged"
    found: list[Tile] = [
        ("Status", f"{'✓' if right else '✗'} {WORDS.get(model.status, model.status)}", _good(right)),
        ("Rows used", figure(model.n_rows), ""),
    ]
    if report is not None:
        if model.options["weighted"] and report["moments"] is not None:
            found.append(("Sum of their weights", figure(report["moments"]["weight"]), ""))
        found.append((f"R²{_kind(model)}", figure(report["r2"], ".4f"), ""))
        if report["r2_test"] is not None:
            worse = report["r2_test"] < 0  # than the mean of the target
            found.append(("R² on rows held out", figure(report["r2_test"], ".4f"), "bad" if worse else ""))
        if (proved := report["certificate"]) is not None:
            found.append(("Digits right, worst coefficient", figure(proved["worst"], ".1f"), _good(proved["passed"])))
    return found


def proof(where: str, gradient_norm: float, excess_loss: float, loss: float) -> list[Tile]:
    """Return what exact sums say of coefficients as a whole."""
    return [
        (f"‖∇L‖ at {where}", figure(gradient_norm, ".3g"), ""),
        ("Loss above its minimum", figure(excess_loss, ".3g"), ""),
        ("Minimum of the loss", figure(loss, ".10g"), ""),
    ]


def verdict(certificate: Any) -> list[Tile]:
    """Return what a reader wants to know first of a certificate."""
    right = certificate.passed
    return [
        ("Verdict", "✓ Certified" if right else "✗ Not certified", _good(right)),
        ("Digits right, worst coefficient", figure(certificate.worst, ".1f"), ""),
        *proof("the claim", certificate.gradient_norm, certificate.excess_loss, certificate.loss),
    ]


def name_of(name: str) -> str:
    """Return a name, the middle of a very long one left out: the page is to stay small."""
    return shortened(name, _LONG)


_KINDS = {
    "used": "used",
    "held_out": "held out",
    "missing": "missing a cell",
    "zero_weight": "of weight zero",
    "bad": "bad",
}


def parts(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return what became of the rows, by the name of its color, and its part in percent."""
    rows = report["rows"]
    return [(kind, 100.0 * rows[kind] / max(rows["rows"], 1)) for kind in _KINDS if rows[kind]]


def account(report: Mapping[str, Any]) -> Table:
    """Return where every row went."""
    rows, percent = report["rows"], dict(parts(report))
    lines = [
        [Markup('<i class="{}"></i>{}').format(kind, text), figure(rows[kind]), figure(percent.get(kind, 0.0), ".4g")]
        for kind, text in _KINDS.items()
        if rows[kind] or kind == "used"
    ]
    all_of_them = ["all", figure(rows["rows"]), figure(100.0, ".4g")]
    return Table(f"Rows of {report['source']}", ("Row", "how many", "percent"), [*lines, all_of_them], "key")


def coefficients(model: ModelRecord) -> Table:
    """Return what is known of each coefficient."""
    report, caption = model.report, f"Coefficients in units of {model.target} a unit of the column"
    if report is None:
        held = [("(intercept)", model.b)] if model.options["fit_intercept"] else []
        held += zip(model.names[:MOST_CERTIFIED], model.w[:MOST_CERTIFIED].tolist(), strict=True)
        return Table(caption, ("Column", "coefficient"), [[name_of(n), figure(v, ".10g")] for n, v in held])
    tests: tuple[tuple[str, str, str], ...] = ()
    if report["quality"] is not None:
        caption += "; the intervals hold the true value 95 times of 100, if the model is right"
        if not arrived(model):
            caption = (
                f"{caption[: caption.index(';')]}; training did not arrive, so the intervals are about another point"
            )
        if any(line["std_err"] is None and not line["dropped"] for line in report["lines"]):
            caption += "; a dash: not estimable, as columns are constant or depend on each other"
        tests = (
            ("standard error", "std_err", ".4g"),
            ("t", "t", ".4g"),
            ("p-value", "p_value", ".3g"),
            ("95 % from", "ci_low", ".5g"),
            ("to", "ci_high", ".5g"),
        )
    digits = "digits right" if report["certificate"] else "digits at least"
    columns = [
        ("coefficient", "coef", ".10g"),
        *tests,
        ("standardized", "standardized", ".4g"),
        (digits, "digits", ".1f"),
    ]
    rows = []
    for line in report["lines"]:
        cells = [
            small(line[key], 2e-16, form) if key == "p_value" else figure(line[key], form) for _, key, form in columns
        ]
        rows.append([name_of(line["name"]), *(["left out", *[""] * (len(cells) - 1)] if line["dropped"] else cells)])
    return Table(caption, ("Column", *(head for head, _, _ in columns)), rows)


def objective(model: ModelRecord) -> str:
    """Write what a model minimizes."""
    return objective_text(*(model.options[name] for name in ("weighted", "alpha", "loss", "penalty")))


def _kind(model: ModelRecord) -> str:
    return "" if model.options["fit_intercept"] else ", uncentered"


def quality(model: ModelRecord, report: Mapping[str, Any]) -> Table:
    """Return how well the whole fits."""
    q = report["quality"]
    kind = _kind(model)
    lines: list[list[Any]] = [
        [f"R²{kind}", figure(report["r2"], ".6f")],
        [f"R²{kind}, adjusted", figure(q["r2_adjusted"], ".6f")],
        [f"Loss {objective(model)}", figure(model.loss, ".10g")],
        ["Residual standard error", figure(q["sigma"])],
        ["Degrees of freedom", figure(q["df_resid"], ",.10g")],
        ["F of all columns", figure(q["fvalue"])],
        ["p of F", small(q["f_pvalue"], 2e-16, ".3g")],
        ["AIC", figure(q["aic"])],
        ["BIC", figure(q["bic"])],
        ["Condition number of scaled columns", figure(q["condition"], ".3g")],
    ]
    if report["r2_test"] is not None:
        lines.insert(1, ["R² on rows held out, about their mean", figure(report["r2_test"], ".6f")])
    return Table(f"How well it fits; {q['cov_type']} standard errors", ("Figure", "value"), lines)


def bands(report: Mapping[str, Any]) -> Table:
    """Return how many residuals are large."""
    rows = []
    for low, high, count, normal in report["residuals"]["bands"]:
        band = Markup("beyond {} σ").format(figure(low, "g"))
        if high is not None:
            band = Markup("{} to {} σ").format(figure(low, "g"), figure(high, "g"))
        rows.append([band, "1 to 4" if count is None else figure(count), small(normal, 0.001, ".3g")])
    caption = "How many residuals are large, and how many of so many normal ones would be"
    return Table(caption, ("From zero", "rows", "if normal"), rows)


def settings(model: ModelRecord) -> Table:
    """Return what computed a model, and what it was asked."""
    told = {**model.versions, **{name: value for name, value in model.options.items() if value is not None}}
    rows: list[list[Any]] = [[name, str(value)] for name, value in told.items()]
    return Table("What computed it, and how it was asked to", ("What", "value"), rows)


def figures(comparison: Any) -> Table:
    """Return all figures of a comparison."""
    columns = (
        ("digits", "digits", ".1f"),
        ("moves ŷ by", "moved", ".2g"),
        ("loss above min", "excess_loss", ".2g"),
        ("‖∇L‖", "gradient_norm", ".2g"),
        ("R² test", "r2_test", ".6f"),
        ("seconds", "seconds", ".2g"),
        ("iterations", "n_iter", ""),
        ("rank", "rank", ""),
    )
    rows = [[fit.name, *(figure(getattr(fit, key), form) for _, key, form in columns)] for fit in comparison.fits]
    caption = (
        "Digits of the worst coefficient, and the most that the error changes a fitted value, in units of the spread "
        f"of {comparison.target}"
    )
    return Table(caption, ("Tool", *(head for head, _, _ in columns)), rows)


def asked(comparison: Any) -> Table:
    """Return what each tool was asked to do."""
    caption = "All had the same encoded rows, split alike, and were to minimize Σ(ŷ − y)², some with a small penalty"
    return Table(caption, ("Tool", "asked"), [[fit.name, fit.asked] for fit in comparison.fits], "texts")


def claims(certificate: Any) -> Table:
    """Return claimed beside true coefficients, those with the fewest digits first."""
    lines: Iterable[tuple[str, float, float, float]] = sorted(certificate.lines(), key=lambda line: line[3])
    rows = [
        [name_of(name), figure(claimed, ".17g"), figure(true, ".17g"), figure(right, ".1f")]
        for name, claimed, true, right in list(lines)[:MOST_CERTIFIED]
    ]
    caption = "Claimed and true coefficients, the fewest digits first"
    return Table(caption, ("Column", "claimed", "true", "digits right"), rows)
