"""What the page of a comparison says: its title, its tiles, and its tables."""

import re

from markupsafe import Markup

from regress.messages import shortened
from regress.records import ComparisonRecord, FoldScores, ToolRecord
from regress.report.cells import figure
from regress.report.tables import Table, Tile
from regress.report.text import METRIC_HEADS, metrics_title

DECIDES = "LinearRegression()"  # the tool whose fit decides the verdict
_NAME = 40  # characters of the name of a tool above a column
_ALIKE = 0.01  # of the largest value: metrics that differ by less are told in a sentence
_MINUS = re.compile(r"(?<![^\s(])-(?=\d)|(?<=\de)-(?=\d)")  # before a number, or in its exponent


def title(comparison: ComparisonRecord) -> str:
    """Return the result of a comparison in a few words."""
    target = comparison.target
    if not comparison.agree:
        return f"{DECIDES} is wrong about {target}" if _decides(comparison).coef else f"{DECIDES} did not fit {target}"
    count = sum(fit.coef is not None and not fit.added for fit in comparison.fits)
    if wrong := len(comparison.disagree):
        return f"{count - wrong} of {count} tools agree on {target}"
    return f"All {count} tools agree on {target}"


def columns(comparison: ComparisonRecord) -> str:
    """Return what the target was fitted on: the names of up to four columns of numbers, else the number of columns."""
    names = comparison.names
    if len(names) > 4 or any("=" in name for name in names):
        return f"{len(names):,} columns"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def head(comparison: ComparisonRecord) -> list[Tile]:
    """Return what a reader wants to know first of a comparison."""
    theirs, ours = _decides(comparison), comparison.fits[0]
    css = "good" if comparison.agree else "bad"
    tiles: list[Tile] = [
        Tile(f"Correct digits, {DECIDES}", figure(_worst(theirs), ".1f"), css),
        Tile(f"Correct digits, {ours.name}", figure(_worst(ours), ".1f")),
    ]
    if not comparison.agree:
        error = f"{DECIDES}: largest error in spreads of {comparison.target}"
        tiles.append(Tile(error, figure(theirs.moved, ",.2g"), css))
    for name in comparison.metrics[:1]:
        of = f"{METRIC_HEADS.get(name, name)} {'over the folds' if comparison.folds else 'on held-out rows'}"
        values = [figure(value_of(fit, name), _form(name)) for fit in (theirs, ours)]
        if values[0].striptags() == values[1].striptags():
            tiles.append(Tile(of, values[1]))
        else:
            tiles += [
                Tile(f"{of}, {DECIDES}", values[0], "" if comparison.agree else css),
                Tile(f"{of}, {ours.name}", values[1]),
            ]
    return tiles


def _decides(comparison: ComparisonRecord) -> ToolRecord:
    return next(fit for fit in comparison.fits if fit.name == DECIDES)


def value_of(fit: ToolRecord, metric: str) -> float | None:
    """Return a metric on held-out rows, or its mean over the folds; None where a tool has none."""
    return fit.cv[metric].mean if metric in fit.cv else fit.metrics.get(metric)


def _worst(fit: ToolRecord) -> float | None:
    known = [digits for digits in (fit.digits, fit.intercept_digits) if digits is not None]
    return min(known, default=None)


def short(name: str) -> str:
    """Return the name of a tool as it fits above a column."""
    return shortened(name, _NAME)


def shown(text: str) -> str:
    """Return a sentence with true minus signs in its numbers."""
    return _MINUS.sub("−", text)


def accuracy(comparison: ComparisonRecord) -> Table:
    """Return how near each tool came to the minimum."""
    columns = (
        ("correct digits", "digits", ".1f"),
        ("of the intercept", "intercept_digits", ".1f"),
        ("change of ŷ", "moved", ",.2g"),
        ("loss above its minimum", "excess_loss", ",.2g"),
    )
    kept = [column for column in columns if comparison.fit_intercept or column[1] != "intercept_digits"]
    caption = (
        "Correct digits of the worst coefficient. Change of ŷ: maximum error of a fitted value, in units of the "
        f"spread of {comparison.target}"
    )
    return _figures(comparison, kept, caption)


def running(comparison: ComparisonRecord) -> Table:
    """Return how long each tool took, and where it ended."""
    columns = [
        ("seconds", "seconds", ",.2g"),
        ("iterations", "n_iter", ""),
        ("rank", "rank", ""),
        ("loss", "loss", ",.7g"),
        ("‖∇L‖", "gradient_norm", ",.2g"),
    ]
    return _figures(comparison, columns, "Time, iterations and rank that each tool reports, its loss and gradient")


def _figures(comparison: ComparisonRecord, columns: list[tuple[str, str, str]], caption: str) -> Table:
    rows = [[fit.name, *(figure(getattr(fit, key), form) for _, key, form in columns)] for fit in comparison.fits]
    return Table(caption, ("Tool", *(head for head, _, _ in columns)), rows, "figures")


def alike(comparison: ComparisonRecord) -> str:
    """Return a sentence where the first metric is about the same for all tools; nothing where it is not."""
    name = comparison.metrics[0]
    values = [value for fit in comparison.fits if (value := value_of(fit, name)) is not None]
    if not values or max(values) - min(values) > _ALIKE * max(map(abs, values)):
        return ""
    low, high = (figure(value, _form(name)).striptags() for value in (min(values), max(values)))
    head = METRIC_HEADS.get(name, name)
    return f"All tools predict about equally well: {head} {low if low == high else f'from {low} to {high}'}."


def metrics(comparison: ComparisonRecord) -> Table:
    """Return how well each tool predicts rows that it was not trained on."""
    rows = []
    for fit in comparison.fits:
        if comparison.folds:
            cells = [_spread(fit.cv[name]) for name in comparison.metrics]
        else:
            cells = [figure(fit.metrics.get(name), _form(name)) for name in comparison.metrics]
        rows.append([fit.name, *cells])
    heads = [METRIC_HEADS.get(name, name) for name in comparison.metrics]
    return Table(metrics_title(comparison), ("Tool", *heads), rows, "figures")


def _form(metric: str) -> str:
    return ".4f" if metric == "r2" else ",.4g"


def _spread(scores: FoldScores) -> Markup:
    if scores.mean is None:
        return figure(None)
    return Markup("{} ± {}").format(figure(scores.mean, ",.4g"), figure(scores.sd, ",.2g"))


def asked(comparison: ComparisonRecord) -> Table:
    """Return what each tool was asked to do."""
    caption = "All tools got the same encoded rows and the same split"
    if not any(fit.added for fit in comparison.fits):
        caption += ". All minimize Σ(ŷ − y)², some with a small penalty"
    return Table(caption, ("Tool", "asked"), [[fit.name, fit.asked] for fit in comparison.fits], "texts")
