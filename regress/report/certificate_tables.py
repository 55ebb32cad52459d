"""What the page of a certificate says: its title, its tiles, and the table of coefficients."""

from math import ceil

from markupsafe import Markup

from regress.records import CertificateRecord
from regress.report.cells import figure, name_of, short_name, significant
from regress.report.tables import MOST_CERTIFIED, Table, Tile

_BEYOND, _FEW, _ALL = 3, 6, 17  # digits shown beyond those that are correct, at least, and at most


def title(certificate: CertificateRecord) -> str:
    """Return the result of a certificate in a few words."""
    return f"The fit of {certificate.target} is {'' if certificate.passed else 'not '}certified"


def head(certificate: CertificateRecord) -> list[Tile]:
    """Return what a reader wants to know first of a certificate."""
    css = "good" if certificate.passed else "bad"
    required = Markup("of the worst coefficient, {} required").format(figure(certificate.asked, "g"))
    tiles = [Tile("Correct digits", figure(certificate.worst, ".1f"), css, required)]
    if certificate.moved is not None:
        detail = f"of a prediction, in spreads of {short_name(certificate.target)}"
        tiles.append(Tile("Largest error", figure(certificate.moved, ".2g"), css, detail))
    return [*tiles, Tile("Rows", figure(certificate.rows))]


def equal(certificate: CertificateRecord) -> bool:
    """Tell whether all coefficients have the same number of digits, as far as they are shown."""
    return len({f"{line.digits:.1f}" for line in certificate.lines}) == 1


def claims(certificate: CertificateRecord) -> Table:
    """Return claimed and true coefficients, those with the fewest digits first."""
    lines = sorted(certificate.lines, key=lambda line: line.digits)
    rows = []
    for name, claimed, true, right in lines[:MOST_CERTIFIED]:
        same = Markup('<data value="{}">the same</data>').format(repr(true))
        digits = max(ceil(right) + _BEYOND, _FEW)
        shown = same if true == claimed else _written(true, digits)
        rows.append([name_of(name), _written(claimed, digits), shown, figure(right, ".1f")])
    caption = "Claimed and true coefficients, the fewest correct digits first"
    return Table(caption, ("Column", "claimed", "true", "correct digits"), rows, "numbers")


def _written(value: float, digits: int) -> Markup:
    return significant(value, digits) if digits < _ALL else figure(value, f".{_ALL}g")
