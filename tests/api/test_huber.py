"""What is shown and stored of a fit with Huber's loss, in Python and on the command line."""

import json

import numpy as np
import polars as pl
import pytest

import regress
from regress import InputError
from tests.command import run

random = np.random.default_rng(9)
x = random.normal(size=80)
TABLE = {"x": x.tolist(), "y": (2.0 * x + 1.0 + random.standard_t(1.2, size=80)).tolist()}


@pytest.fixture(scope="module")
def fit():
    return regress.fit(TABLE, "y", loss="huber", epsilon=1.5)


def test_the_summary_names_the_loss_its_scale_and_the_outliers(fit):
    text = fit.summary()
    assert text.startswith("Linear regression with Huber's loss of y on 1 column")
    assert f"Σh(ŷ − y) = {fit.loss:.10g}" in text
    assert f"Scale of the residuals {fit.huber_scale:.4g}" in text
    assert "Huber's H1 standard errors" in text
    assert "of the normal distribution" in text
    delta = 1.5 * fit.huber_scale
    beyond = int(np.sum(np.abs(np.array(TABLE["y"]) - fit.predict(TABLE)) > delta))
    assert f"Outliers: {beyond} of 80 rows. Their residuals exceed {delta:.4g}, which is 1.5 times the scale" in text
    assert "(that of the least-squares residuals)." in text
    given = regress.fit(TABLE, "y", loss="huber", huber_scale=2.0)
    assert "Their residuals exceed 2.7, which is" in given.summary()
    assert "which is 1.35 times the scale 2 (given)." in given.summary()


def test_the_loss_is_the_sum_of_its_definition(fit):
    e, delta = np.abs(np.array(TABLE["y"]) - fit.predict(TABLE)), 1.5 * fit.huber_scale
    assert fit.loss == pytest.approx(np.sum(np.where(e <= delta, e**2, 2.0 * delta * e - delta**2)), rel=1e-12)


def test_a_saved_fit_shows_and_predicts_the_same(fit, tmp_path):
    fit.save(tmp_path / "m.json")
    loaded = regress.load(tmp_path / "m.json")
    assert loaded.summary() == fit.summary()
    assert np.array_equal(loaded.predict(TABLE), fit.predict(TABLE))
    assert loaded.conf_int().equals(fit.conf_int())
    assert (loaded.huber_scale, loaded.outliers) == (fit.huber_scale, fit.outliers)
    assert (loaded.options["loss"], loaded.options["epsilon"], loaded.options["huber_scale"]) == ("huber", 1.5, None)
    held = loaded.to_dict()
    assert held == fit.to_dict()
    assert (held["huber_scale"], held["outliers"]) == (fit.huber_scale, fit.outliers)


def test_the_page_draws_what_is_known(fit, tmp_path):
    regress.write_report(fit, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "this model minimizes huber" in page
    with pytest.raises(InputError, match=r"descent is drawn of the squared error .*; this model minimizes huber"):
        regress.plot.descent(fit)


def test_other_losses_have_neither_scale_nor_outliers():
    fit = regress.fit(TABLE, "y")
    assert (fit.huber_scale, fit.outliers) == (None, None)
    assert "utlier" not in fit.summary()


def test_the_command_line(tmp_path, fit):
    pl.DataFrame(TABLE).write_csv(tmp_path / "t.csv")
    code, out, _ = run("fit", tmp_path / "t.csv", "--target", "y", "--loss", "huber", "--epsilon", "1.5", "--json")
    held = json.loads(out)
    assert code == 0
    assert held["coef"]["x"] == pytest.approx(fit.w[0], rel=1e-12)
    assert held["huber_scale"] == pytest.approx(fit.huber_scale, rel=1e-12)
    code, out, _ = run("fit", tmp_path / "t.csv", "--target", "y", "--loss", "huber")
    assert code == 0
    assert out.startswith("Linear regression with Huber's loss of y on 1 column (t.csv)")
    code, _, err = run("fit", tmp_path / "t.csv", "--target", "y", "--huber-scale", "2")
    assert (code, err) == (2, "Error: --huber-scale needs --loss huber.\n")
    code, _, err = run("fit", tmp_path / "t.csv", "--target", "y", "--loss", "cauchy")
    assert code == 2
    assert "huber" in err


def test_certificates_are_of_the_squared_error(fit):
    with pytest.raises(InputError, match=r"The model minimizes huber\. Only the squared error"):
        regress.certify(fit, TABLE, "y")
