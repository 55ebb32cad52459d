"""What the page of a comparison says: its title, its tiles, and its tables."""

import re
from collections.abc import Sequence

from markupsafe import Markup

from regress.messages import shortened
from regress.records import ComparisonRecord, FoldScores, ToolRecord
from regress.report.cells import figure, name_of, share_of, short_name, significant
from regress.report.tables import Table, Tile
from regress.report.text import METRIC_HEADS, metrics_title

DECIDES = "LinearRegression()"  # the tool whose fit decides the verdict
_NAME = 40  # characters of the name of a tool above a column
_ALIKE = 0.01  # of the largest value: metrics that differ by less are told in a sentence
_MINUS = re.compile(r"(?<![^\s(])-(?=\d)")  # before a number
_POWER = re.compile(r"(?<=\de)([+-])0*(?=\d)")  # sign and zeros of an exponent


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
    digits, css = _worst(theirs), "" if comparison.agree else "bad"
    enough = digits is not None and digits >= comparison.digits_asked
    tiles = [
        Tile("Correct digits", figure(digits, ".1f"), css or "good" * enough, DECIDES),
        Tile("Correct digits", figure(_worst(ours), ".1f"), "", ours.name),
    ]
    if css and theirs.moved is not None:
        detail = f"of {DECIDES}, in spreads of {short_name(comparison.target)}"
        tiles.append(Tile("Largest error", figure(theirs.moved, ".2g"), css, detail))
    for name in comparison.metrics[:1]:
        term = f"{METRIC_HEADS.get(name, name)} {'over the folds' if comparison.folds else 'on held-out rows'}"
        values = [value_of(fit, name) for fit in (theirs, ours)]
        shown = [written(name, value) for value in values]
        if values == [None, None]:
            continue
        if shown[0].striptags() == shown[1].striptags():
            tiles.append(Tile(term, shown[1]))
        else:
            tiles += [Tile(term, shown[0], css, DECIDES), Tile(term, shown[1], "", ours.name)]
    return tiles


def _decides(comparison: ComparisonRecord) -> ToolRecord:
    return next(fit for fit in comparison.fits if fit.name == DECIDES)


def value_of(fit: ToolRecord, metric: str) -> float | None:
    """Return a metric on held-out rows, or its mean over the folds; None where a tool has none."""
    return fit.cv[metric].mean if metric in fit.cv else fit.metrics.get(metric)


def written(metric: str, value: float | None) -> Markup:
    """Write a metric."""
    return share_of(value) if metric == "r2" else significant(value, 4)


def _worst(fit: ToolRecord) -> float | None:
    known = [digits for digits in (fit.digits, fit.intercept_digits) if digits is not None]
    return min(known, default=None)


def short(name: str) -> str:
    """Return the name of a tool as it fits above a column."""
    return shortened(name, _NAME)


def shown(text: str) -> str:
    """Return a sentence whose numbers are written as in tables."""
    return _MINUS.sub("−", _POWER.sub(lambda found: "−" if found[1] == "-" else "", text))


def accuracy(comparison: ComparisonRecord) -> Table:
    """Return how near each tool came to the minimum."""
    columns = (("correct digits", "digits"), ("change of ŷ", "moved"), ("loss above its minimum", "excess_loss"))
    caption = (
        "Correct digits of the worst coefficient. Change of ŷ: maximum error of a fitted value, in units of the "
        f"spread of {short_name(comparison.target)}"
    )
    return _figures(comparison, (*columns, ("‖∇L‖", "gradient_norm")), caption)


def running(comparison: ComparisonRecord) -> Table:
    """Return how long each tool took, and where it ended."""
    columns = (("seconds", "seconds"), ("iterations", "n_iter"), ("rank", "rank"), ("loss", "loss"))
    return _figures(comparison, columns, "Time, iterations and rank that each tool reports, and its loss")


def _figures(comparison: ComparisonRecord, columns: Sequence[tuple[str, str]], caption: str) -> Table:
    rows = [[name_of(fit.name), *(_figure(key, getattr(fit, key)) for _, key in columns)] for fit in comparison.fits]
    return Table(caption, ("Tool", *(head for head, _ in columns)), rows, "numbers")


def _figure(key: str, value: float | None) -> Markup:
    return significant(value, 7) if key == "loss" else figure(value, ".1f" if key == "digits" else ".2g")


def differ(comparison: ComparisonRecord) -> bool:
    """Tell whether the tools predict differently by the first metric."""
    values = _values(comparison)
    return bool(values) and values[-1] - values[0] > _ALIKE * max(map(abs, values))


def alike(comparison: ComparisonRecord) -> str:
    """Return a sentence where the tools predict about equally well; nothing where they do not."""
    values = _values(comparison)
    if not values or differ(comparison):
        return ""
    name = comparison.metrics[0]
    low, high = (written(name, value).striptags() for value in (values[0], values[-1]))
    head = METRIC_HEADS.get(name, name)
    return f"All tools predict about equally well: {head} {low if low == high else f'from {low} to {high}'}."


def _values(comparison: ComparisonRecord) -> list[float]:
    """Return the values of the first metric in ascending order."""
    return sorted(v for name in comparison.metrics[:1] for f in comparison.fits if (v := value_of(f, name)) is not None)


def metrics(comparison: ComparisonRecord) -> Table:
    """Return how well each tool predicts rows that it was not trained on."""
    rows = []
    for fit in comparison.fits:
        if comparison.folds:
            cells = [_spread(name, fit.cv[name]) for name in comparison.metrics]
        else:
            cells = [written(name, fit.metrics.get(name)) for name in comparison.metrics]
        rows.append([name_of(fit.name), *cells])
    heads = [METRIC_HEADS.get(name, name) for name in comparison.metrics]
    return Table(metrics_title(comparison), ("Tool", *heads), rows, "numbers")


def _spread(metric: str, scores: FoldScores) -> Markup:
    if scores.mean is None:
        return figure(None)
    return Markup("{} ± {}").format(written(metric, scores.mean), significant(scores.sd, 2))


def asked(comparison: ComparisonRecord) -> Table:
    """Return what each tool was asked to do."""
    caption = "All tools got the same encoded rows and the same split"
    if not any(fit.added for fit in comparison.fits):
        caption += ". All minimize Σ(ŷ − y)², some with a small penalty"
    return Table(caption, ("Tool", "asked"), [[name_of(fit.name), fit.asked] for fit in comparison.fits], "texts")
