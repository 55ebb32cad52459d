"""What the charts of residuals show, in sentences: each from a test with a threshold, and with what to do."""

from regress.fit_record import FitRecord
from regress.messages import setting
from regress.term_records import ResidualTest


def findings(known: FitRecord) -> list[str]:
    """Return a sentence or two for each test that found something; nothing where training did not converge.

    The thresholds are those of `regress.inference.residual_tests`.
    """
    found = known.residuals
    if found is None or not known.arrived:
        return []
    write = {"curvature": _bends, "spread": _spread, "order": _alike, "tails": _heavy}
    said = [write[test.name](known, test) for test in found.tests if test.found]
    return [text for text in [*said, _decisive(known)] if text]


def _bends(known: FitRecord, test: ResidualTest) -> str:
    way = "upwards" if test.size > 0.0 else "downwards"
    said = f"The relation bends {way} (RESET F {test.statistic:.3g}, p {_below(test)})"
    return f"{said}: {_curve(known, test.size > 0.0)}."


def _curve(known: FitRecord, convex: bool) -> str:
    """Return what may straighten the relation."""
    if convex and _has_logarithm(known):
        return f"try the logarithm of {known.trained.target}"
    column = None if known.residuals is None else known.residuals.bent
    return f"try a curve in {column}, such as its square" if column else "try a curve in a column"


def _spread(known: FitRecord, test: ResidualTest) -> str:
    grows = test.size > 0.0
    said = f"The spread of the residuals {'grows' if grows else 'shrinks'} with the prediction (Spearman's ρ "
    said += f"{test.statistic:.2f}, p {_below(test)})".replace("-", "−")
    if known.figures is not None and known.figures.cov_type in ("HC0", "HC1"):
        return f"{said}. The standard errors allow for it."
    if known.figures is None or known.figures.cov_type != "nonrobust":
        return f"{said}."
    log = f", or try the logarithm of {known.trained.target}" if grows and _has_logarithm(known) else ""
    return f"{said}: use robust standard errors, {setting('cov_type', 'HC1')}{log}."


def _alike(known: FitRecord, test: ResidualTest) -> str:
    of = "rows" if known.residuals is not None and known.residuals.complete else "rows of the sample"
    return (
        f"Neighboring {of} are alike: Durbin–Watson {test.statistic:.2f}, and 2 if they were independent. "
        "If they follow time or place, the standard errors are too small."
    )


def _heavy(known: FitRecord, test: ResidualTest) -> str:
    said = f"The residuals have heavy tails: kurtosis {test.statistic:.3g}, and 3 if errors were normal."
    return said if known.trained.options.loss == "huber" else f"{said} Look for outliers, or use Huber's loss."


def _decisive(known: FitRecord) -> str:
    found = known.residuals
    if found is None or not found.decisive:
        return ""
    n, of = found.decisive, "" if found.complete else f" of {found.rows:,} in the sample"
    if n == 1:
        return f"1 row{of} has a leverage near 1: the fit passes close to it, whatever its {known.trained.target} is."
    return (
        f"{n:,} rows{of} have a leverage near 1: the fit passes close to each, whatever its {known.trained.target} is."
    )


def _has_logarithm(known: FitRecord) -> bool:
    positive = known.residuals is not None and known.residuals.positive
    return positive and known.trained.retransform is None


def _below(test: ResidualTest) -> str:
    return "<0.0001" if test.p_value < 5e-5 else f"{test.p_value:.4f}"
