"""A page of a report read back: its elements, its tables, and its charts as the values that they show."""

import math
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import regress
from regress.api.report import page

TAGS = set(
    "html head meta title style body header h1 p dl div dt dd nav ul li a main section h2 h3 table caption thead tbody "
    "tr th td span i figure figcaption svg desc text path polyline circle g rect clippath strong code pre label input "
    "output footer script data details summary tfoot h4".split()
)
ATTRIBUTES = set(
    "lang charset name content http-equiv id class style href role aria-labelledby aria-label aria-hidden scope "
    "colspan tabindex hidden for type min max value title data-texts data-x data-y viewbox d x y cx cy r width height "
    "points transform text-anchor clip-path".split()
)
VOID = {"meta", "input"}
EMPTY_SVG = {"path", "polyline", "circle", "rect"}
Cell = float | str | None
Dot = tuple[float, float | str, float]


class Node:
    """An element: its tag, attributes, and what is inside, in order."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.inside: list[Node | str] = []

    def all(self, tag: str | None = None, **wanted: str) -> "list[Node]":
        """Return the elements within, in order; class_ asks for one of the classes."""
        found: list[Node] = []
        for node in self.inside:
            if isinstance(node, Node):
                of = node.attributes
                same = all(
                    value in of.get("class", "").split() if name == "class_" else of.get(name) == value
                    for name, value in wanted.items()
                )
                found += [node] * (same and tag in (None, node.tag)) + node.all(tag, **wanted)
        return found

    def one(self, tag: str | None = None, **wanted: str) -> "Node":
        """Return the only element within that matches."""
        (found,) = self.all(tag, **wanted)
        return found

    @property
    def text(self) -> str:
        """All text within."""
        return "".join(node.text if isinstance(node, Node) else node for node in self.inside)

    @property
    def values(self) -> list[float]:
        """The figures within, to the last bit."""
        return [float(node.attributes["value"]) for node in self.all("data")]


class Reader(HTMLParser):
    """Reads a page and insists that every element is known, and closed in its turn."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        assert set(names) <= ATTRIBUTES, set(names) - ATTRIBUTES
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in EMPTY_SVG, tag
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def read(html: str) -> Node:
    """Return the tree of a page, sound in form: one script at most, one style, no figure that is none."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root]
    root = reader.root
    assert len(root.all("style")) == len(root.all("h1")) == 1
    assert len(root.all("script")) <= 1
    ids = [node.attributes["id"] for node in root.all() if "id" in node.attributes]
    assert len(set(ids)) == len(ids)
    for link in root.all("a"):
        assert link.attributes["href"][1:] in ids
    for node in root.all():
        if node.tag not in ("style", "script"):
            text = "".join(strings(node)).replace("a value became NaN or infinite", "")
            assert not re.search(r"\b(nan|-?inf|None|NaN|Infinity|np\.\w+)\b", text), node.text
    assert all(math.isfinite(value) for value in root.values)
    for svg in root.all("svg"):
        for node in svg.all():
            for name in ("d", "points", "cx", "cy", "r", "x", "y", "data-x", "data-y"):
                for number in re.findall(r"-?[\w.]+", re.sub(r"[MVHhvlzL,]", " ", node.attributes.get(name, ""))):
                    assert math.isfinite(float(number)), (name, number)
    return root


def strings(node: Node) -> list[str]:
    """Return the texts directly within an element."""
    return [part for part in node.inside if isinstance(part, str)]


def page_of(*arguments: Any, **options: Any) -> Node:
    """Fit, and return the tree of the page."""
    return read(page(regress.fit(*arguments, **options)))


def cell_of(node: Node) -> Cell:
    """Return a figure as a number, a dash as None, and anything else as text."""
    return node.values[0] if node.all("data") else None if node.text == "–" else node.text


def rows_of(table: Node) -> dict[str, list[Cell]]:
    """Return the cells of a table's body by the name of its row, a level as "column=level"; no drawings."""
    rows: dict[str, list[Cell]] = {}
    for body in table.all("tbody"):
        heading = "".join(f"{row.text.strip()}=" for row in body.all("tr", class_="group"))
        for row in body.all("tr"):
            cells = [cell_of(cell) for cell in row.all("td") if "drawn" not in cell.attributes.get("class", "")]
            if cells:
                rows[heading + row.one("span", class_="name").text] = cells
    return rows


def table_of(root: Node, part: str, number: int = 0) -> dict[str, list[Cell]]:
    """Return the cells of one of the tables of a part of the page by the name of its row."""
    return rows_of(root.one(id=part).all("table")[number])


def coefficients_of(root: Node) -> dict[str, list[Cell]]:
    """Return the cells of the table of all coefficients, which is folded where there are many."""
    folded = root.all(id="all-coefficients")
    return table_of(root, "all-coefficients" if folded else "coefficients")


def intervals_of(table: Node) -> tuple[list[tuple[float, ...] | None], float]:
    """Return what is drawn in each row of a table by the ticks below: a dot and its ends, if any; and the rounding."""
    axis = table.one("tfoot").one("svg")
    ticks = [(float(text.attributes["x"]), number(text.text)) for text in axis.all("text")]
    unit = (ticks[-1][1] - ticks[0][1]) / (ticks[-1][0] - ticks[0][0])
    found: list[tuple[float, ...] | None] = []
    for cell in table.all("td", class_="drawn")[:-1]:
        if not cell.all("svg"):
            found.append(None)
            continue
        lines = " ".join(path.attributes["d"] for path in cell.all("path"))  # of zero, and from end to end
        places = [*re.findall(r"^M([-\d.]+) -4V", lines), cell.one("circle").attributes["cx"]]
        places += [end for ends in re.findall(r"M([-\d.]+) \S+H([-\d.]+)M", lines) for end in ends]
        values = [ticks[0][1] + (float(place) - ticks[0][0]) * unit for place in places]
        assert abs(values[0]) <= abs(unit) * 0.16
        found.append(tuple(values[1:]))
    return found, abs(unit) * 0.16


def figures_of(root: Node, part: str) -> dict[str, Cell]:
    """Return the figures of a list of names and values."""
    lists = root.one(id=part).all("dl")
    return {pair.one("dt").text: cell_of(pair.all("dd")[0]) for each in lists for pair in each.all("div")}


def nothing(value: float | None) -> float | None:
    """Return a figure as a table shows it: None where it is missing or not finite."""
    return None if value is None or not math.isfinite(value) else value


def offset_of(label: str) -> float:
    """Return what the label of an axis says is taken off its ticks."""
    found = re.search(r" ([−+]) ([−\d,.e+-]+)$", label)
    size = number(found[2]) if found else 0.0
    return size if found and found[1] == "−" else -size


def number(text: str) -> float:
    """Return a number as it is written for people."""
    return float(text.replace("−", "-").replace(",", ""))


RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


class Drawn:
    """A chart of a page, its positions mapped back to values by what its ticks say."""

    def __init__(self, root: Node, name: str) -> None:
        self.svg = root.one("figure", id=f"figure-{name}").one("svg")
        grid = [path.attributes["d"] for path in self.svg.all("path", class_="grid")]
        across = [float(d[1:].partition(" ")[0]) for d in grid if "V" in d]  # M<x> <y>V<y>
        down = [float(d.partition(" ")[2].partition("H")[0]) for d in grid if "H" in d]  # M<x> <y>H<x>
        texts = self.svg.all("text")
        at_end = [text for text in texts if text.attributes.get("text-anchor") == "end"]
        below = [t for t in texts if t.attributes.get("text-anchor") == "middle" and "transform" not in t.attributes]
        self.x_label = below[-1].text
        turned = [text.text for text in texts if "transform" in text.attributes]
        self.base = [offset_of(self.x_label), offset_of(turned[0] if turned else "")]
        for text in below[: len(across)]:
            assert float(text.attributes["x"]) + 3.0 * len(text.text) <= 400  # half as wide as digits are
        self.logs = [False, False]
        self.x = self._line(across, below[: len(across)], 0)
        self.names: dict[float, str] = {}
        if down:
            self.y = self._line(down, at_end, 1)
        else:
            self.names = {float(t.attributes["y"]) - 3.5: (t.all("title") or [t])[0].text for t in at_end}

    def _line(self, places: list[float], texts: list[Node], axis: int) -> tuple[float, float, float]:
        """Return start, slope and rounding of the values along an axis; the ticks must all lie on it."""
        values = [self._value(text.text, axis) for text in texts]
        assert len(values) == len(places) >= 2
        slope = (values[-1] - values[0]) / (places[-1] - places[0])
        for place, value in zip(places, values, strict=True):
            assert abs((place - places[0]) * slope + values[0] - value) <= 0.11 * abs(slope)
        return values[0] - slope * places[0], slope, abs(slope) * 0.16

    def _value(self, text: str, axis: int) -> float:
        text = text.replace("−", "-").replace(",", "")
        if re.fullmatch(r"10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", text):
            self.logs[axis] = True
            return float(text[2:].translate(RAISED))
        if text == "1" and self.logs[axis]:
            return 0.0
        return float(text) + self.base[axis]

    def at_x(self, place: float) -> float:
        """Return the value at a position from the left."""
        return self.x[0] + self.x[1] * place

    def at_y(self, place: float) -> float:
        """Return the value at a position from the top."""
        return self.y[0] + self.y[1] * place

    def dots(self, number: int = 0) -> list[Dot]:
        """Return the values of the dots of one group, and their radii."""
        group = self.svg.all("g", class_="dots")[number]
        places = [[float(c.attributes[a]) for a in ("cx", "cy", "r")] for c in group.all("circle")]
        return [(self.at_x(x), self.names.get(y) or self.at_y(y), r) for x, y, r in places]

    def line(self, number: int = 0) -> list[tuple[float, float]]:
        """Return the values of the points of one line."""
        points = self.svg.all("polyline")[number].attributes["points"]
        return [(self.at_x(float(x)), self.at_y(float(y))) for x, y in (point.split(",") for point in points.split())]

    def agree(self, found: Sequence[Any], expected: Sequence[Any]) -> None:
        """Hold positions against values, to what a drawing can show; logarithms on log scales."""
        assert len(found) == len(expected) > 0
        for (x, y, *_), (true_x, true_y, *_) in zip(found, expected, strict=True):
            assert abs(x - (math.log10(true_x) if self.logs[0] else true_x)) <= self.x[2]
            assert abs(y - (math.log10(true_y) if self.logs[1] else true_y)) <= self.y[2]


def bars_of(root: Node, name: str) -> list[tuple[str, float]]:
    """Return what bars there are: the name beside each, and where it ends."""
    drawn = Drawn(root, name)
    bars = re.findall(
        r"M([-\d.]+) ([-\d.]+)H([-\d.]+)v([-\d.]+)H", drawn.svg.one("path", class_="bars").attributes["d"]
    )
    found = []
    for zero, top, end, high in bars:
        assert abs(drawn.at_x(float(zero))) <= drawn.x[2]
        middle = float(top) + float(high) / 2
        place = min(drawn.names, key=lambda y: abs(y - middle))
        assert abs(place - middle) < 0.2
        found.append((drawn.names[place], drawn.at_x(float(end))))
    return found
