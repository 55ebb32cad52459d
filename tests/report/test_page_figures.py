"""The figures of a fit's page, each against the result."""

import math
import re

import numpy as np
import pandas as pd
import pytest

import regress
from regress.api.report import page
from regress.solvers.status import Status
from tests.pages import (
    bars_of,
    coefficients_of,
    figures_of,
    nothing,
    page_of,
    read,
    rows_of,
)
from tests.report.situations import (
    OBJECTIVES,
    SITUATIONS,
    normal_rows,
)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_page_is_sound_whatever_was_fitted(situation, name):
    fit = situation(name)
    html = page(fit)
    root = read(html)
    assert len(html.encode()) < 100_000
    sections = [node.attributes["id"] for node in root.all("section")]
    assert sections == ["result", "residuals", "rows", "computation"]
    parts = ["coefficients", "equation", "quality", "certificate", "convergence", "descent", "environment"]
    for part in [*sections, *parts, *(["collinearity"] if fit.equations else [])]:
        found = root.one(id=part)
        assert found.all("table") or found.all("figure") or found.all("p") or found.all("dl")
    assert not any(node.attributes.get("style", "").strip("width: .0123456789%") for node in root.all())


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_coefficients_are_those_of_the_fit_to_the_last_bit(situation, name):
    fit = situation(name)
    tests = None if fit.statistics is None else fit._held.statistics.tests()
    digits = fit.digits_at_least
    shared = [] if digits is None else [v for v in (*digits.values(), fit.intercept_digits) if v is not None]
    vary = bool(shared) and min(shared) < 15.9 and len({round(v, 1) for v in shared}) > 1
    expected = {}
    of_intercept = [("(intercept)", fit.b, None)] if fit.model.options["fit_intercept"] else []
    for j, (label, w, beta) in enumerate([*of_intercept, *zip(fit.names, fit.w, fit.standardized, strict=True)]):
        figures = [] if tests is None else list(tests[j])
        right = [] if not vary else [fit.intercept_digits if label == "(intercept)" else digits[label]]
        expected[label] = [nothing(v) for v in (w, *figures, *right, beta)]
    root = read(page(fit))
    shown = coefficients_of(root)
    assert list(shown) == list(expected)
    excluded = [row for row in root.one(id="coefficients").all("tr") if "excluded" in row.text]
    assert [row.one("span", class_="name").text for row in excluded] == list(fit.dropped)
    for label in fit.dropped:
        assert shown.pop(label)[0] is None
        del expected[label]
    assert shown == expected


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_quality_of_a_fit_is_that_of_its_statistics(situation, name):
    fit = situation(name)
    root = read(page(fit))
    q, intercept = fit.statistics, fit.model.options["fit_intercept"]
    kind = "" if intercept else ", uncentered"
    expected = {f"R²{kind}": fit.r2}
    expected |= {} if fit.r2_test is None else {"R² on held-out rows": fit.r2_test}
    if q is not None:
        expected |= {
            f"R²{kind}, adjusted": q.r2_adjusted,
            "Residual standard error": q.sigma,
            "Degrees of freedom": q.df_resid,
            "F of all columns": q.fvalue,
            "p of F": q.f_pvalue,
            "AIC": q.aic,
            "BIC": q.bic,
            "Condition number of scaled columns": q.condition,
        }
    expected[f"Loss {OBJECTIVES.get(name, 'Σ(ŷ − y)²')}"] = fit.loss
    if fit.model.options["weighted"]:
        expected["Sum of weights"] = fit.record.moments.weight
    shown = figures_of(root, "quality")
    assert shown.pop("Standard errors", None) == (None if q is None else q.cov_type)
    assert shown == {k: nothing(v) for k, v in expected.items()}
    said = [node.text for node in root.one(id="coefficients").all("p", class_="lack")]
    assert len(said) == (q is None)
    assert q is not None or f"No standard errors: {fit.statistics_missing}" in said[0]


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_head_has_the_figures_and_says_if_training_was_stopped(situation, name):
    fit = situation(name)
    root = read(page(fit))
    head = root.one("header")
    tiles = {tile.one("dt").text: tile.all("dd") for tile in head.one("dl").all("div")}
    if fit.status is Status.CONVERGED:
        assert "Training" not in tiles
    else:
        assert tiles["Training"][0].text.startswith("✗ ")
        assert tiles["Training"][0].attributes["class"] == "words bad"
    assert tiles["Rows used"][0].values == [fit.tally.used, fit.tally.rows]
    r2 = next(tile for name, tile in tiles.items() if name.startswith("R²"))  # the first: of training rows
    assert r2[0].values == [fit.r2] * math.isfinite(fit.r2)
    errors = [value.values[0] for term, (value, *_) in tiles.items() if term == "Typical error"]
    assert errors == ([] if fit.statistics is None else [fit.statistics.sigma])
    notes = [note.text for note in root.one(id="result").all("p", class_="note")]
    assert notes[: len(fit.notes())] == fit.notes()
    if fit.statistics is not None and fit.certificate is not None:
        assert len(notes) - len(fit.notes()) == (not fit.certificate.passed)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_certificate_is_that_of_the_fit(situation, name):
    fit = situation(name)
    root = read(page(fit))
    section, certificate = root.one(id="certificate"), fit.certificate
    if certificate is None:
        assert f"The fit was computed in float64 ({fit.precision_reason})" in section.text
        assert "Certified" not in section.text
    else:
        figures = [certificate.worst, certificate.gradient_norm, certificate.excess_loss, certificate.loss]
        assert section.values == figures
        assert section.one("strong").text == ("✓ Certified." if certificate.passed else "✗ Not certified.")
        assert section.one("strong").attributes["class"] == ("good" if certificate.passed else "bad")
        assert f"The gradient of {OBJECTIVES.get(name, 'Σ(ŷ − y)²')} was computed in exact" in section.text
    assert ("This proves" in section.text) is (certificate is not None and certificate.passed)
    if fit.digits_at_least is not None and len(fit.names) > 1:
        digits = dict(fit.digits_at_least)
        if fit.intercept_digits is not None:
            digits["(intercept)"] = fit.intercept_digits
        worst = sorted(digits.values())[:25]
        assert bool(root.all(id="figure-digits")) is (max(digits.values()) - worst[0] >= 0.1)
        if not root.all(id="figure-digits"):
            return
        bars = bars_of(root, "digits")
        assert sorted(value for _, value in bars) == pytest.approx(worst, abs=0.03)
        assert [value for _, value in bars] == sorted(value for _, value in bars)
        for label, value in bars:
            assert value == pytest.approx(digits[label], abs=0.03)


@pytest.mark.parametrize("name", ["plain", "gd", "not converged", "float64", "no intercept"])
def test_the_environment_says_how_it_was_asked(situation, name):
    fit = situation(name)
    shown = figures_of(read(page(fit)), "environment")
    expected = {**fit.model.versions, **{k: v for k, v in fit.model.options.items() if v not in (None, "")}}
    assert shown == {k: str(v) for k, v in expected.items()}


def rough_csv(path):
    """A table in which rows go every way: 2 missing x, 3 missing z, 4 of weight zero, 5 bad, the others used."""
    random = np.random.default_rng(8)
    lines = ["x,z,a,y"]
    for i in range(400):
        x, z, a, y = (f"{v:.9f}" for v in (*random.normal(size=2), random.uniform(1, 2), random.normal()))
        x, z = "" if i in (5, 50) else x, "NA" if i in (7, 8, 9) else z
        lines.append(f"{x},{z},{'0' if i in (100, 101, 102, 103) else a},{'oops' if 200 <= i < 205 else y}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
def test_the_account_of_the_rows(tmp_path):
    fit = regress.fit(
        rough_csv(tmp_path / "rough.csv"), "y", weights="a", missing="drop", on_bad_lines="skip", test_size=0.25
    )
    section = read(page(fit)).one("section", id="rows")
    tally = fit.tally
    assert (tally.rows, tally.missing, tally.zero_weight, tally.bad) == (400, 5, 4, 5)
    counts = {
        "used": tally.used, "held out": tally.held_out, "missing a cell": 5, "of weight zero": 4, "bad": 5, "all": 400
    }  # fmt: skip
    table = section.all("table")[0]
    shown = rows_of(table)
    assert {label: cells[0] for label, cells in shown.items()} == counts
    assert table.attributes["class"] == "key"
    assert [i.attributes["class"] for i in section.all("i")] == [
        span.attributes["class"] for span in section.one("div", class_="account").all("span")
    ]
    parts = [span.attributes["style"] for span in section.one("div", class_="account").all("span")]
    widths = [float(re.fullmatch(r"width: ([\d.]+)%", part)[1]) for part in parts]
    assert widths == pytest.approx([100 * n / 400 for n in list(counts.values())[:-1]], abs=1e-4)
    assert sum(widths) == pytest.approx(100, abs=1e-3)
    percent = [cell.text for cell in table.all("td")[1::2]]
    assert [float(text) for text in percent] == pytest.approx([*widths, 100], abs=0.0501)
    assert rows_of(section.all("table")[1]) == {"x": [2], "z": [3]}
    assert f"Read as {fit.read_as}." in section.text


def test_missing_cells_are_counted_by_column(tmp_path):
    fit = regress.fit(rough_csv(tmp_path / "rough.csv"), "y", weights="a", missing="drop", on_bad_lines="skip")
    assert fit.tally.missing_cells == {"x": 2, "z": 3}
    assert fit.record.outcome.rows.missing_cells == {"x": 2, "z": 3}
    assert fit.to_dict()["rows"]["missing_cells"] == {"x": 2, "z": 3}


@pytest.mark.parametrize("name", ["plain", "no intercept", "held out", "more columns than rows", "float64"])
def test_the_equation_is_what_predicts(situation, name):
    fit = situation(name)
    equation = read(page(fit)).one("p", class_="equation")
    terms, intercept = [], 0.0
    for term in equation.all("span", class_="term"):
        if term.all("span", class_="name"):
            sign = -1.0 if term.text.strip().startswith("−") else 1.0
            terms.append((term.one("span", class_="name").text, sign * term.values[0]))
        else:
            (intercept,) = term.values
    assert intercept == fit.b
    order = sorted(range(len(fit.names)), key=lambda j: -abs(fit.standardized[j]))[:12]
    assert terms == [(fit.names[j], fit.w[j]) for j in sorted(order)]
    left = len(fit.names) - len(terms)
    assert (f"+ {left} more terms" in " ".join(equation.text.split())) is (left > 0)
    if not left:
        x = np.arange(1.0, len(terms) + 1)
        assert np.dot(x, [w for _, w in terms]) + intercept == pytest.approx(fit.predict(x[None, :])[0], rel=1e-12)


def test_levels_are_compared_with_the_first(tmp_path):
    X, y = normal_rows(200, 2)
    frame = pd.DataFrame({"x": X[:, 0], "kind": np.array(["mid", "low", "top", "low"] * 50), "y": y})
    root = page_of(frame, "y")
    (reference,) = [row.text for row in root.one(id="coefficients").all("tr") if "reference level" in row.text]
    assert reference.split() == ["low", "reference", "level"]
    assert [row.text.strip() for row in root.one(id="coefficients").all("tr", class_="group")] == ["kind"]
    assert list(coefficients_of(root)) == ["(intercept)", "x", "kind=mid", "kind=top"]
