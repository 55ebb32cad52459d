"""No row of a table is on a page or in its model."""

import json
import re

import numpy as np
import pytest

import regress
from regress.api.report import page
from tests.pages import (
    read,
)
from tests.report.situations import (
    normal_rows,
    plain_residuals,
)


def leaves(value):
    """Return all numbers and texts of a JSON tree."""
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


@pytest.mark.parametrize("m", [3, 9, 10, 11, 14, 15, 57, 5000])
def test_no_row_is_on_a_page_or_in_its_model(m, tmp_path):
    random = np.random.default_rng(m)
    X, y = random.uniform(1.0, 2.0, size=(m, 2)), random.uniform(5.0, 6.0, size=m)
    fit = regress.fit(X, y)
    secrets = np.concatenate([X.ravel(), y])
    if m > 3:
        predicted, residual, z = plain_residuals(X, y)
        secrets = np.concatenate([secrets, predicted, residual, z, np.sqrt(np.abs(z))])
    secrets = np.sort(np.abs(secrets))
    fit.save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())["record"]
    html = page(fit)
    read(html)
    style_apart = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    written = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?", style_apart)
    numbers = [float(text.replace(",", "")) for text in written if len(re.sub(r"e.*|\D", "", text).lstrip("0")) >= 7]
    numbers += [abs(v) for v in leaves(held) if isinstance(v, float) and len(repr(v)) > 9]
    assert len(numbers) > 10
    at = np.clip(np.searchsorted(secrets, numbers), 1, len(secrets) - 1)
    near = np.minimum(np.abs(secrets[at] - numbers), np.abs(secrets[at - 1] - numbers))
    assert near.min() > 1e-9
    found = held["residuals"]
    if m < 10:
        assert found is None
        assert "There are fewer than ten rows, and a group takes five." in html
        return
    assert found["rows"] == m
    for name in ("groups", "normal"):
        rows = [rows for *_, rows in found[name]]
        assert min(rows) >= 5, name
        assert sum(rows) == m, name
    assert not {1, 2, 3, 4} & {count for _, _, count, _ in found["bands"]}
    assert found["far"] not in (1, 2, 3, 4)


def test_rows_of_equal_values_do_not_make_small_groups():
    x = np.repeat([0.0, 1.0, 2.0], [40, 3, 40])
    found = regress.fit(x[:, None], x + np.tile([0.5, -0.5], 42)[:83]).record.residuals
    for name in ("groups", "normal"):
        assert min(rows for *_, rows in getattr(found, name)) >= 5
        assert sum(rows for *_, rows in getattr(found, name)) == 83
    assert len({part for part, *_ in found.groups}) == 2  # three rows are no slice


@pytest.mark.parametrize("of", ["target", "column", "both"])
@pytest.mark.parametrize("at", [0, 50, 99])
def test_an_outlier_is_no_mean_of_its_group(of, at):
    X, y = normal_rows(100)
    if of != "column":
        y[at] = 1e6
    if of != "target":
        X[at, 0], y[at] = 1e6, 1.5e6 if of == "column" else -1e6
    predicted, residual, z = plain_residuals(X, y)
    found = regress.fit(X, y).record.residuals
    assert found.far is None
    part, x, mean, root, rows = np.array(found.groups).T
    for values, means in (
        (predicted, x),
        (residual, mean),
        (np.sqrt(np.abs(z)), root),
        (predicted + residual, x + mean),
    ):
        secret = abs(values[at])
        if secret > 50 * np.median(np.abs(values)):
            assert np.abs(np.abs(means * rows) / secret - 1.0).min() > 0.1
            slices = np.bincount(part.astype(int), means * rows)
            assert np.abs(np.abs(slices) / secret - 1.0).min() > 0.1
    _, _, deviations, rows = np.array(found.normal).T
    if abs(z[at]) > 5:
        assert np.abs(np.abs(deviations * rows) / abs(z[at]) - 1.0).min() > 0.1
