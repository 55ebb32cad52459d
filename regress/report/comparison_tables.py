"""The tables of the page of a comparison."""

from markupsafe import Markup

from regress.records import ComparisonRecord, FoldScores
from regress.report.cells import figure
from regress.report.tables import Table
from regress.report.text import METRIC_HEADS, metrics_title


def figures(comparison: ComparisonRecord) -> Table:
    """Return all figures of a comparison."""
    columns = (
        ("digits", "digits", ".1f"),
        ("change of ŷ", "moved", ".2g"),
        ("loss", "loss", ".6g"),
        ("above min", "excess_loss", ".2g"),
        ("‖∇L‖", "gradient_norm", ".2g"),
        ("seconds", "seconds", ".2g"),
        ("iterations", "n_iter", ""),
        ("rank", "rank", ""),
    )
    rows = [[fit.name, *(figure(getattr(fit, key), form) for _, key, form in columns)] for fit in comparison.fits]
    caption = (
        "Correct digits of the worst coefficient. Change of ŷ: maximum error of a fitted value, in units of the "
        f"spread of {comparison.target}"
    )
    return Table(caption, ("Tool", *(head for head, _, _ in columns)), rows)


def metrics(comparison: ComparisonRecord) -> Table:
    """Return how well each tool predicts rows that it was not trained on."""
    rows = []
    for fit in comparison.fits:
        if comparison.folds:
            cells = [_spread(fit.cv[name]) for name in comparison.metrics]
        else:
            cells = [figure(fit.metrics.get(name)) for name in comparison.metrics]
        rows.append([fit.name, *cells])
    heads = [METRIC_HEADS.get(name, name) for name in comparison.metrics]
    return Table(metrics_title(comparison), ("Tool", *heads), rows)


def _spread(scores: FoldScores) -> Markup:
    if scores.mean is None:
        return figure(None)
    return Markup("{} ± {}").format(figure(scores.mean, ".5g"), figure(scores.sd, ".2g"))


def asked(comparison: ComparisonRecord) -> Table:
    """Return what each tool was asked to do."""
    caption = "All tools got the same encoded rows and the same split"
    if not any(fit.added for fit in comparison.fits):
        caption += ". All minimize Σ(ŷ − y)², some with a small penalty"
    return Table(caption, ("Tool", "asked"), [[fit.name, fit.asked] for fit in comparison.fits], "texts")
