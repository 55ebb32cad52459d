"""The pages of the cookbook show what their commands print, to the last figure, and state what other tools find too."""

import io
import re
import subprocess
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from plotnine import data
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from statsmodels import datasets
from statsmodels.stats.stattools import durbin_watson

import readme
from tests import command

FOLDER = readme.ROOT / "docs" / "cookbook"
INDEX = (FOLDER / "index.md").read_text(encoding="utf-8")
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md") if path.stem != "index"}


class Inside:
    """Runs what `readme.Place` runs, without a process for each command: Python starts and imports once."""

    def run(self, *arguments):
        if "-c" in arguments:
            return subprocess.CompletedProcess(arguments, 0, self.python(arguments[-1]), "")
        code, out, err = command.run(*arguments[2:])
        return subprocess.CompletedProcess(arguments, code, out, err)

    def python(self, code):
        with redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "page", "exec"), {"__name__": "__main__"})
        return out.getvalue()


@pytest.fixture
def place(tmp_path, monkeypatch):
    readme.Place.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Inside()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_shows_what_its_commands_print(place, name):
    page = PAGES[name]
    assert len(readme.CODE.findall(page)) == page.count("<!-- output: ") >= 2  # no block of code remains unseen
    assert readme.renewed(page, place) == page


def test_the_index_lists_every_page_and_the_navigation_too():
    assert len(PAGES) == 10
    assert sorted(re.findall(r"^\| \[[^]]+\]\((\w+)\.md\)", INDEX, re.MULTILINE)) == sorted(PAGES)
    told = (readme.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"cookbook/(\w+)\.md", told)) == {"index", *PAGES}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_has_the_parts_that_every_page_has(name):
    parts = re.findall(r"^## (.+)$", PAGES[name], re.MULTILINE)
    assert parts[-2:] == ["What it teaches", "What a beginner would have done"]
    for part in ("**Question.**", "**Table.**"):
        assert PAGES[name].count(part) == 1
    assert re.search(r"public domain|CC0|CC BY|MIT|BSD", PAGES[name])


DATA = readme.ROOT / "data"


def ols(formula, table):
    return smf.ols(formula, table).fit()


def longley():
    table = pd.read_csv(DATA / "nist" / "longley.csv")
    others = ["deflator", "unemployed", "armed_forces", "population", "year"]
    inflation = 1 / (1 - ols(f"gnp ~ {' + '.join(others)}", table).rsquared)
    six, three = (ols(f"employed ~ gnp + {' + '.join(names)}", table) for names in (others, others[1:3]))
    yield f"explain {six.rsquared:.1%} of the variation".replace("%", " %")
    yield f"and $p$ is {six.pvalues['gnp']:.2f}"
    yield f"its $t$ is {ols('employed ~ gnp', table).tvalues['gnp']:.0f}"
    yield f"is {inflation:,.0f} times what it would be"
    yield f"is\n{inflation**0.5:.0f} times as large"
    assert round(np.diff(six.conf_int().loc["gnp"]).item() / np.diff(three.conf_int().loc["gnp"]).item()) == 16
    assert all(ols(f"employed ~ {name}", table).rsquared > 0.9 for name in ("deflator", "gnp", "population"))


def gapminder():
    table = pd.read_csv(DATA / "gapminder.csv")
    fit = ols("lifeExp ~ year + millions + gdpPercap", table.assign(millions=table["pop"] / 1e6))
    yield f"rose by {fit.params['year']:.3f} years in a year, and R² is {fit.rsquared:.3f}"


def diamonds():
    table = data.diamonds
    line = ols("price ~ carat", table)
    logs = ols("np.log(price) ~ np.log(carat) + C(color) + C(clarity) + C(cut)", to_text(table))
    yield f"$t$ is {line.tvalues['carat']:.0f}. The line adds {line.params['carat']:,.0f} dollars"
    yield f"sell {(line.fittedvalues < 0).sum():,} small diamonds"
    weight = logs.params["np.log(carat)"]
    yield f"$2^{{{weight:.3f}}} = {2**weight:.2f}$"
    yield f"$e^{{{logs.params['C(color)[T.J]']:.3f}}} = {np.exp(logs.params['C(color)[T.J]']):.2f}$"
    yield f"Compare {logs.rsquared:.3f} with {line.rsquared:.3f}"
    reach = 1.95996 * logs.mse_resid**0.5
    smearing = np.exp(logs.resid).mean()
    yield f"from {1 - np.exp(-reach) / smearing:.0%} below the prediction to".replace("%", " %")
    yield f"to {np.exp(reach) / smearing - 1:.0%} above it".replace("%", " %")


def to_text(table):
    return table.astype({"cut": str, "color": str, "clarity": str})


def houston():
    table = data.txhousing[data.txhousing.city == "Houston"]
    season = ols("sales ~ year + C(month)", table)
    assert season.params.filter(like="month").idxmax() == "C(month)[T.6]"
    yield f"in June {season.params['C(month)[T.6]']:,.0f} more houses"
    yield f"R² is {season.rsquared:.2f} with categories and {ols('sales ~ year + month', table).rsquared:.2f} with"


def penguins():
    table = pd.read_csv(DATA / "penguins.csv").dropna(subset=["bill_depth_mm"])
    one, common, own = (ols(f"bill_depth_mm ~ body_mass_g{more}", table) for more in ("", " + species", " * species"))
    yield f"it is {-one.tvalues['body_mass_g']:.1f} standard errors away"
    yield f"from {one.rsquared:.2f} to {common.rsquared:.2f}"
    yield f"is {1000 * common.params['body_mass_g']:.1f} millimeters deeper"
    yield f"are {-common.params['species[T.Gentoo]']:.1f} millimeters flatter"
    yield f"has $p$ = {own.compare_f_test(common)[1]:.2f}"


def co2():
    table = pd.read_csv(DATA / "co2.csv").dropna(subset=["co2"])
    first, last = table[: int(0.75 * len(table))], table[int(0.75 * len(table)) :]
    errors = last["co2"] - ols("co2 ~ year + month", first).predict(last)
    yield f"falls to {1 - (errors**2).mean() / last['co2'].var(ddof=0):.3f}"
    yield f"is {errors.mean():.1f} ppm too low"
    yield f"Durbin–Watson: {durbin_watson(ols('co2 ~ year + month', table).resid):.2f}"


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    found = []
    for degree in (1, 2, 3):
        made = PolynomialFeatures(degree, interaction_only=True, include_bias=False).fit_transform(X)
        yield f"{made.shape[1]} columns: R²"
        parts, tool = (
            ShuffleSplit(5, test_size=0.2, random_state=0),
            make_pipeline(StandardScaler(), LinearRegression()),
        )
        found.append(cross_val_score(tool, made, y, cv=parts).mean())
    assert found[0] > found[1] > 0 > found[2]


def mpg():
    cars = data.mpg
    rest = cars[cars["class"] != "2seater"]
    a, b, _ = np.polyfit(cars["displ"], cars["hwy"], 2)
    yield f"falls until {-b / a / 2:.1f} liters"
    yield f"as one of about {-b / a - 8:.1f}."  # symmetric to 8 liters
    d, e, _ = np.polyfit(rest["displ"], rest["hwy"], 2)
    yield f"beyond {-e / d / 2:.1f} liters"
    fit = ols("hwy ~ I(1 / displ) + C(kind)", cars.assign(kind=cars["class"].astype(str)))
    yield f"R²\nis {fit.rsquared:.2f}"


def economics():
    table = data.economics.drop(columns="date")
    levels, changes = ols("psavert ~ pop", table), ols("psavert ~ pop", table.diff().dropna())
    yield f"R² is {levels.rsquared:.2f}, and $t$ is −{-levels.tvalues['pop']:.0f}"
    yield f"Durbin–Watson: {durbin_watson(levels.resid):.2f}"
    yield f"R² is {changes.rsquared:.4f}, and $p$ is {changes.pvalues['pop']:.2f}"


def engel():
    table = datasets.engel.load_pandas().data
    fit = ols("foodexp ~ income", table)
    robust = fit.get_robustcov_results("HC1")
    yield "{:.3f} to {:.3f}, is narrow".format(*fit.conf_int().loc["income"])
    yield f"of `income` is {robust.bse[1] / fit.bse['income']:.1f} times as large"
    yield "is {:.3f} to {:.3f}.".format(*robust.conf_int()[1])
    logs = smf.ols("np.log(foodexp) ~ np.log(income)", table).fit(cov_type="HC1", use_t=True)
    share = logs.params["np.log(income)"]
    yield f"$2^{{{share:.3f}}} = {2**share:.2f}$"
    yield "{:.3f} to {:.3f}, lies below 1".format(*logs.conf_int().loc["np.log(income)"])
    thirds = [errors.groupby(pd.qcut(table["income"], 3), observed=True).std() for errors in (fit.resid, logs.resid)]
    yield f"errors of rich families are {thirds[0].iloc[2] / thirds[0].iloc[0]:.1f} times"
    yield f"those of rich families are {thirds[1].iloc[2] / thirds[1].iloc[0]:.1f} times"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_what_a_page_states_is_what_statsmodels_finds(name):
    for stated in globals()[name]():
        assert stated in PAGES[name]
