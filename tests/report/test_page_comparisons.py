"""Pages of comparisons and of certificates: every figure against the result."""

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor

import regress
from regress.api.report import page
from regress.errors import INSTALL_TENSORFLOW
from regress.report import comparison_tables
from regress.report.page import of_comparison
from tests.api.test_compare import by_name
from tests.command import run
from tests.pages import (
    Drawn,
    bars_of,
    nothing,
    read,
    rows_of,
    table_of,
)
from tests.report.situations import (
    DATA,
    DIABETES,
    dependent_rows,
    normal_rows,
)

COMPARED = {
    "plain": (normal_rows(), {}),
    "no intercept": (normal_rows(), {"fit_intercept": False}),
    "weights": (normal_rows(), {"weights": np.random.default_rng(1).uniform(0.5, 4.0, 300)}),
    "dependent": (dependent_rows(), {}),
    "constant target": ((normal_rows()[0], np.full(300, 2.5)), {}),
    "perfect": ((np.arange(12.0)[:, None], np.arange(12.0) * 2.0 + 1.0), {"test_size": 0.0}),
    "more columns than rows": ((np.random.default_rng(2).normal(size=(20, 45)), np.arange(20.0)), {"test_size": 0.0}),
}


@cache
def compared(name):
    """Compare the tools on the rows of one situation, once a process."""
    (X, y), options = COMPARED[name]
    return regress.compare(X, y, **options)


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.usefixtures("without_tensorflow")
def test_the_page_of_a_comparison_has_its_figures(name):
    result = compared(name)
    html = page(result, command="regress compare")
    assert len(html.encode()) < 150_000
    root = read(html)
    assert root.all("script") == []
    columns = ("digits", "moved", "excess_loss", "gradient_norm")
    expected = {fit.name: [nothing(getattr(fit, column)) for column in columns] for fit in result.fits}
    assert table_of(root, "digits", 1) == expected
    assert set(expected["regress autodiff"]) == {None}
    columns = ("seconds", "n_iter", "rank", "loss")
    expected = {fit.name: [nothing(getattr(fit, column)) for column in columns] for fit in result.fits}
    assert table_of(root, "computation", 1) == expected
    noted = [fit for fit in result.fits if fit.note]
    for section, fits in (
        ("digits", [fit for fit in noted if fit.w is None]),
        ("computation", [fit for fit in noted if fit.w is not None]),
    ):
        notes = [note.text for note in root.one("section", id=section).all("p", class_="note")]
        assert notes == [f"{fit.name}: {comparison_tables.shown(fit.note)}" for fit in fits]
    assert any(INSTALL_TENSORFLOW in fit.note for fit in noted if fit.w is None)
    mark = "✓" if result.agree else "✗"
    section = root.one("section", id="verdict")
    assert section.one("strong").text == f"{mark} {result.verdict[0]}"
    assert [note.text for note in section.all("p", class_="note")] == [
        comparison_tables.shown(text) for text in result.verdict[1:]
    ]
    asked = root.one("section", id="computation").all("table")[0]
    assert {name: cell[0] for name, cell in rows_of(asked).items()} == {f.name: f.asked for f in result.fits}
    assert asked.attributes["class"] == "texts"
    done = [fit for fit in result.fits if fit.w is not None]
    assert [label for label, _ in bars_of(root, "worst")] == [fit.name for fit in done]
    assert [value for _, value in bars_of(root, "worst")] == pytest.approx([fit.digits for fit in done], abs=0.03)
    drawn = Drawn(root, "seconds")
    assert {label: x for x, label, _ in drawn.dots()} == pytest.approx(
        {fit.name: math.log10(fit.seconds) for fit in done}, abs=drawn.x[2]
    )
    assert len(root.all("figure", id="figure-loss-above")) == bool(result.disagree)
    if result.disagree:
        drawn = Drawn(root, "loss-above")
        assert {label: x for x, label, _ in drawn.dots()} == pytest.approx(
            {fit.name: math.log10(fit.excess_loss) for fit in done if fit.excess_loss > 0}, abs=drawn.x[2]
        )


@pytest.mark.parametrize("options", [{}, {"cv": 3}], ids=["held out", "folds"])
@pytest.mark.usefixtures("without_tensorflow")
def test_the_page_shows_how_well_each_tool_predicts(options):
    X, y = normal_rows()
    trees = GradientBoostingRegressor(n_estimators=3, random_state=0)
    result = regress.compare(X, y, estimators={"trees": trees}, metrics=["mae", "neg_max_error"], **options)
    root = read(page(result))
    table = root.one("section", id="prediction").one("table")
    assert [head.text for head in table.one("thead").all("th")] == ["Tool", "MAE", "neg_max_error"]
    where = f"Mean ± standard deviation over {result.folds}" if options else "On held-out rows"
    assert table.one("caption").text == where
    expected, shown = {}, {row.one("th").text: row.values for row in table.one("tbody").all("tr")}
    for fit in result.fits:
        scores = [fit.cv[name][:2] if options else fit.metrics.get(name) for name in result.metrics]
        expected[fit.name] = [value for value in np.ravel(np.array(scores, dtype=float)) if not np.isnan(value)]
    assert shown == expected
    assert shown["regress autodiff"] == []
    done = [fit for fit in result.fits if fit.metric("mae") is not None]
    drawn = Drawn(root, "metric")
    assert {label: x for x, label, _ in drawn.dots()} == pytest.approx(
        {fit.name: fit.metric("mae") for fit in done}, abs=drawn.x[2]
    )
    assert "predict about equally well" not in root.one("section", id="prediction").text
    assert [label for label, _ in bars_of(root, "worst")] == [fit.name for fit in done if fit.name != "trees"]
    assert ("One standard deviation".lower() in root.one("section", id="prediction").text) is bool(options)
    assert table_of(root, "digits", 1)["trees"] == [None] * 4
    assert table_of(root, "computation", 1)["trees"][3] == by_name(result)["trees"].loss
    assert "Measured, not judged, as each may minimize another loss: trees." in root.one("section", id="verdict").text


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.usefixtures("without_tensorflow")
def test_the_map_of_digits_shows_the_worst_coefficients(name):
    result = compared(name)
    section = read(page(result)).one("section", id="digits")
    table, intercept = section.one("table", class_="map"), result.fit_intercept
    assert [head.text for head in table.one("thead").all("th")] == ["Coefficient", *(fit.name for fit in result.fits)]
    cells = rows_of(table)
    assert list(cells)[:intercept] == ["(intercept)"] * intercept
    heads = list(cells)[intercept:]
    assert "(intercept)" not in heads
    found = [fit.digits_of for fit in result.fits if fit.digits_of is not None]
    worst = np.min(found, axis=0)
    assert len(heads) == min(len(worst), 40)
    assert [n for n in result.names if n in heads] == heads
    shown = [result.names.index(head) for head in heads]
    left = [j for j in range(len(worst)) if j not in shown]
    assert not left or worst[left].min() >= worst[shown].max()
    assert (f"Of {len(worst)} coefficients, those with the fewest digits are shown." in section.text) is bool(left)
    for fit, column in zip(result.fits, zip(*cells.values(), strict=True), strict=True):
        of = [None] * len(heads) if fit.digits_of is None else [float(fit.digits_of[j]) for j in shown]
        b = [None if fit.w is None else fit.intercept_digits] * intercept
        assert list(column) == [*b, *of]
    for cell in table.all("td"):
        shade = int(cell.attributes["class"].removeprefix("cell s"))
        assert shade == (0 if cell.text == "–" else min(cell.values[0] // 3 + 1, 6))


def tiles_of(root):
    """Return the tiles within an element by their name."""
    return {
        tile.one("dt").text: tile.all("dd")[0] for list_ in root.all("dl", class_="tiles") for tile in list_.all("div")
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'x': -1.5e-10, exact (-3); rank 2-3", "'x': −1.5e−10, exact (−3); rank 2-3"),
        (
            "The loss is 8.43e+04 above, 1e-07 of it, 2e+10 at most.",
            "The loss is 8.43e4 above, 1e−7 of it, 2e10 at most.",
        ),
        ("Coefficient of 'a-1': 2.5 of 'b -c'.", "Coefficient of 'a-1': 2.5 of 'b -c'."),
    ],
)
def test_only_numbers_get_a_true_minus_sign(text, shown):
    assert comparison_tables.shown(text) == shown


def renamed(record, *, agree, disagree=(), **first):
    """Return a comparison that came out otherwise."""
    fits = [replace(fit, **first) if fit.name == "LinearRegression()" else fit for fit in record.fits]
    return replace(record, agree=agree, disagree=disagree, fits=tuple(fits))


@pytest.mark.usefixtures("without_tensorflow")
def test_the_title_says_the_result():
    record = compared("plain").record
    count = sum(fit.coef is not None for fit in record.fits)
    wrong = ("StandardScaler + SGDRegressor",)
    for changed, title in (
        (renamed(record, agree=True, disagree=wrong), f"{count - 1} of {count} tools agree on y"),
        (renamed(record, agree=True), f"All {count} tools agree on y"),
        (renamed(record, agree=False, disagree=("LinearRegression()",)), "LinearRegression() is wrong about y"),
        (renamed(record, agree=False, coef=None, digits_of=None, digits=None), "LinearRegression() did not fit y"),
    ):
        root = read(of_comparison(changed, "", {}))
        assert [root.one("h1").text, root.one("head").one("title").text] == [title] * 2


@pytest.mark.usefixtures("without_tensorflow")
def test_tiles_show_what_decides():
    record = compared("plain").record

    def tiles(agree, **changed):
        root = read(of_comparison(renamed(record, agree=agree, **changed), "", {}))
        tiles = root.one("dl", class_="tiles").all("div")
        return [(tile.one("dt").text, *(dd.text for dd in tile.all("dd"))) for tile in tiles], tiles[0].all("dd")[0]

    theirs = next(fit for fit in record.fits if fit.name == "LinearRegression()")
    ours = (("Correct digits", "15.9", "regress"), ("R² on held-out rows", f"{record.fits[0].metrics['r2']:.4f}"))
    right = f"{min(theirs.digits, theirs.intercept_digits):.1f}"
    shown, first = tiles(True)
    assert shown == [("Correct digits", right, "LinearRegression()"), *ours]
    assert first.attributes["class"] == "good"
    shown, first = tiles(True, digits=3.25)  # no fitted value changes
    assert (shown[0][1], first.attributes) == ("3.2", {})
    shown, first = tiles(False, digits=0.25, moved=4.4, metrics={**theirs.metrics, "r2": 0.35})
    assert first.attributes["class"] == "bad"
    assert shown == [
        ("Correct digits", "0.2", "LinearRegression()"),
        ours[0],
        ("Largest error", "4.4", "of LinearRegression(), in spreads of y"),
        ("R² on held-out rows", "0.3500", "LinearRegression()"),
        (*ours[1], "regress"),
    ]


@pytest.mark.usefixtures("without_tensorflow")
def test_charts_that_show_no_difference_are_not_drawn():
    record = compared("plain").record
    fits = tuple(replace(fit, digits=None if fit.digits is None else 12.34) for fit in record.fits)
    root = read(of_comparison(replace(record, fits=fits, disagree=()), "", {}))
    assert {figure.attributes["id"] for figure in root.all("figure")} == {"figure-seconds"}
    r2 = {f"{fit.metrics['r2']:.4f}" for fit in fits if fit.metrics}
    assert len(r2) == 1
    assert f"All tools predict about equally well: R² {r2.pop()}." in root.one("section", id="prediction").text


CLAIMS = {
    "wrong": (([1.0, 2.0, 3.0], 4.0), normal_rows(), {}),
    "no intercept": (([1.5, -0.2, 30.0], 0.0), normal_rows(), {"fit_intercept": False}),
    "alpha": (([1.5, -0.2, 30.0], 7.0), normal_rows(), {"alpha": 3.0}),
    "weights": (([1.5, -0.2, 30.0], 7.0), normal_rows(), {"weights": np.arange(1.0, 301.0)}),
    "dependent": (([1.5, -0.2, 30.0, 0.0], 7.0), dependent_rows(), {}),
    "constant target": (([0.0, 0.0, 0.0], 2.5), (normal_rows()[0], np.full(300, 2.5)), {}),
    "constant target, wrong": (([1.0, 0.0, 0.0], 2.0), (normal_rows()[0], np.full(300, 2.5)), {}),
    "perfect": (([2.0], 1.0), (np.arange(12.0)[:, None], np.arange(12.0) * 2.0 + 1.0), {}),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_page_of_a_certificate_has_its_figures(name):
    claim, (X, y), options = CLAIMS[name]
    result = regress.certify(claim, X, y, **options)
    root = read(page(result, command="regress certify a 'b c'"))
    assert root.all("script") == []
    objective = {"alpha": "Σ(ŷ − y)² + 3‖w‖²", "weights": "Σa(ŷ − y)²"}.get(name, "Σ(ŷ − y)²")
    assert f"the exact minimum of {objective} over {len(y)} rows" in root.one("header").one("p", class_="lead").text
    assert f"At the minimum of {objective} the gradient" in root.one("section", id="meaning").text
    strong = root.one("section", id="verdict").one("strong")
    assert strong.text == ("✓ Certified:" if result.passed else "✗ Not certified:")
    assert strong.attributes["class"] == ("good" if result.passed else "bad")
    lines = sorted(result.lines(), key=lambda line: line[3])
    assert table_of(root, "coefficients") == {label: list(figures) for label, *figures in lines}
    assert list(table_of(root, "coefficients")) == [label for label, *_ in lines]
    tiles = tiles_of(root.one("header"))
    assert root.one("h1").text == f"The fit of y is {'' if result.passed else 'not '}certified"
    assert tiles["Correct digits"].values == [result.worst]
    assert tiles["Correct digits"].attributes["class"] == ("good" if result.passed else "bad")
    proof = tiles_of(root.one("section", id="computation"))
    assert proof["‖∇L‖ at the claim"].values == [result.gradient_norm]
    assert proof["Loss above its minimum"].values == [result.excess_loss]
    assert proof["Minimum of the loss"].values == [result.loss]
    section = root.one("section", id="verdict")
    assert section.values[:2] == [result.worst, result.asked]
    if result.moved is not None and math.isfinite(result.moved):
        assert section.values[2] == result.moved
    if result.min_norm_digits is not None:
        assert section.values[-1] == min(result.min_norm_digits.values())
    assert root.one("pre").text == "regress certify a 'b c'"
    shown = {f"{digits:.1f}" for *_, digits in lines}
    assert len(root.all("figure", id="figure-digits")) == (len(shown) > 1)
    if len(shown) > 1:
        for label, value in bars_of(root, "digits"):
            assert value == pytest.approx(dict((n, d) for n, _, _, d in lines)[label], abs=0.03)
    else:
        assert f"Every coefficient has {shown.pop()} correct digits." in root.one("section", id="coefficients").text
    for row in root.one("section", id="coefficients").one("tbody").all("tr"):
        claimed, true, _ = row.all("td")
        assert (true.text == "the same") == (claimed.values == true.values)


@pytest.mark.usefixtures("without_tensorflow")
def test_the_commands_write_the_pages_of_a_comparison_and_a_certificate(tmp_path):
    regress.fit(DIABETES, "progression").save(tmp_path / "m.json")
    code, said, _ = run("certify", tmp_path / "m.json", DIABETES, "--report", tmp_path / "c.html", "--json")
    assert code == 0
    root, told = read((tmp_path / "c.html").read_text()), json.loads(said)
    shown = table_of(root, "coefficients")
    assert {name: row[0] for name, row in shown.items()} == {**told["coef"], "(intercept)": told["intercept"]}
    assert {name: row[1] for name, row in shown.items()} == {**told["true_coef"], "(intercept)": told["true_intercept"]}
    table = str(DATA / "income_rate.csv")
    code, said, _ = run("compare", table, "--target", "spend", "--report", tmp_path / "d.html", "--json")
    assert code == 1
    root, told = read((tmp_path / "d.html").read_text()), json.loads(said)
    assert root.one("h1").text == "LinearRegression() is wrong about spend"
    shown = table_of(root, "digits", 1)
    for fit in told["fits"]:
        assert shown[fit["name"]] == [fit[k] for k in ("digits", "moved", "excess_loss", "gradient_norm")]
    assert root.one("strong").attributes["class"] == "bad"
    command = "regress compare income_rate.csv --target spend --report d.html --json"
    assert root.one("pre").text == command
