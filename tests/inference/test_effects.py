"""Effects of columns that enter by curves: against statsmodels' get_prediction and contrasts, over the same rows."""

from fractions import Fraction

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import regress
from regress.errors import DataWarning

RANDOM = np.random.default_rng(3)
M = 240
TABLE = pd.DataFrame(
    {
        "x": RANDOM.uniform(0.5, 6.0, M),
        "z": RANDOM.normal(size=M) + 4.0,
        "zone": np.array(["north", "south", "west"])[np.arange(M) % 3],
        "sold": pd.Timestamp("2021-03-01") + pd.to_timedelta(RANDOM.integers(0, 700, M), unit="D"),
        "w": RANDOM.uniform(0.5, 2.0, M),
    }
)
TABLE["y"] = np.sin(TABLE.x) + 0.3 * TABLE.z * (TABLE.zone == "west") + 0.2 * RANDOM.normal(size=M)


def effects_of(fit):
    return {effect.column: effect for effect in fit.record.terms.effects}


def columns(effect):
    x, change, low, high = zip(*effect.points, strict=True)
    return np.array(x), np.array(change), np.array(low, dtype=float), np.array(high, dtype=float)


FORMULAS = [  # ours, and the same for statsmodels
    ("y ~ poly(x, 3) + z", "y ~ x + I(x ** 2) + I(x ** 3) + z"),
    ("y ~ x + I(x ** 2) + zone", "y ~ x + I(x ** 2) + zone"),
    ("y ~ poly(log(x), 2) * zone", "y ~ (np.log(x) + I(np.log(x) ** 2)) * zone"),
    ("y ~ bs(x, df=5) + z", "y ~ bs(x, df=5) + z"),
    ("y ~ bs(x, df=4) * z", "y ~ bs(x, df=4) * z"),
    ("y ~ log(x) + C(zone, coding='sum'):poly(x, 2)", "y ~ np.log(x) + C(zone, Sum):x + C(zone, Sum):I(x ** 2)"),
]


@pytest.mark.parametrize(("ours", "theirs"), FORMULAS, ids=[ours for ours, _ in FORMULAS])
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_effects_are_contrasts_of_statsmodels(ours, theirs, level):
    fit = regress.fit(TABLE, ours, level=level)
    effect = effects_of(fit)["x"]
    target, design = patsy.dmatrices(theirs, TABLE)
    result = sm.OLS(np.asarray(target)[:, 0], np.asarray(design)).fit()
    x, change, low, high = columns(effect)
    assert effect.at == pytest.approx(TABLE.x.mean(), rel=1e-12)
    held = {"z": TABLE.z.mean(), "zone": "north"}
    at = {"x": np.append(effect.at, x), **{name: np.repeat(value, len(x) + 1) for name, value in held.items()}}
    rows = np.asarray(patsy.build_design_matrices([design.design_info], at)[0])
    contrast = result.t_test(rows[1:] - rows[0])
    assert change == pytest.approx(contrast.effect, rel=1e-8, abs=1e-8)
    ends = contrast.conf_int(alpha=1.0 - level)
    assert low == pytest.approx(ends[:, 0], rel=1e-6, abs=1e-6)
    assert high == pytest.approx(ends[:, 1], rel=1e-6, abs=1e-6)


def test_with_one_curve_the_band_follows_from_predictions_of_statsmodels():
    fit = regress.fit(TABLE, "y ~ poly(x, 2)")
    result = smf.ols("y ~ x + I(x ** 2)", TABLE).fit()
    effect = effects_of(fit)["x"]
    x, change, _, _ = columns(effect)
    predicted = result.get_prediction(pd.DataFrame({"x": np.append(effect.at, x)})).predicted_mean
    assert change == pytest.approx(predicted[1:] - predicted[0], rel=1e-9, abs=1e-10)


def test_the_grid_covers_most_values_and_the_record_says_what_is_held(tmp_path):
    fit = regress.fit(TABLE, "y ~ bs(x, df=5):z + zone * log(z) + poly(x, 2):zone")
    found = effects_of(fit)
    assert set(found) == {"x", "z"}
    x, *_ = columns(found["x"])
    spread = TABLE.x.max() - TABLE.x.min()
    assert (x[0], x[-1]) == pytest.approx(np.quantile(TABLE.x, [0.01, 0.99]), abs=spread / 900)
    assert len(x) == 61
    assert set(found["x"].terms) == {"bs(x, df=5):z", "poly(x, 2):zone"}
    assert set(found["z"].terms) == {"bs(x, df=5):z", "log(z)", "zone:log(z)"}
    assert found["x"].numbers == {"z": pytest.approx(TABLE.z.mean())}
    assert found["x"].levels == {"zone": "north"}
    fit.save(tmp_path / "m.json")
    assert regress.load(tmp_path / "m.json").record.terms == fit.record.terms


def test_a_date_and_a_compared_text():
    fit = regress.fit(TABLE, "y ~ fourier(sold, period=365.25, k=1) + I(x ** 2 * (zone == 'west'))")
    found = effects_of(fit)
    assert (found["sold"].kind, len(found["sold"].points)) == ("date", 241)
    days = (TABLE.sold - pd.Timestamp("1970-01-01")).dt.days
    assert found["sold"].at == pytest.approx(days.mean())
    x, change, low, high = columns(found["sold"])
    sine, cosine = fit.w[:2]
    turn = 2.0 * np.pi / 365.25

    def wave(day):
        return sine * np.sin(turn * day) + cosine * np.cos(turn * day)

    assert change == pytest.approx(wave(x) - wave(found["sold"].at), abs=1e-9)
    assert (low <= change).all()
    assert (change <= high).all()
    assert found["x"].levels == {"zone": None}
    assert {point.effect for point in found["x"].points} == {0.0}


@pytest.mark.parametrize(
    ("formula", "curves"),
    [
        ("y ~ x + z:zone + x:z", set()),
        ("y ~ center(x) + scale(z)", set()),
        ("y ~ log(x) + z", {"x"}),
        ("y ~ I(x * z)", set()),
        ("y ~ poly(x, 2):z", {"x"}),
        ("y ~ C(month(sold)) + x", set()),
        ("y ~ month(sold) + x", {"sold"}),
    ],
)
def test_which_columns_have_an_effect(formula, curves):
    assert set(effects_of(regress.fit(TABLE, formula))) == curves


def test_weights_robust_errors_and_hubers_loss_have_bands():
    plain = effects_of(regress.fit(TABLE, "y ~ poly(x, 2)"))["x"]
    for options in ({"weights": "w"}, {"cov_type": "HC1"}, {"loss": "huber"}):
        effect = effects_of(regress.fit(TABLE, "y ~ poly(x, 2)", **options))["x"]
        _, _, low, high = columns(effect)
        assert np.isfinite(low).all()
        assert (low <= high).all()
        assert effect.points != plain.points


def test_without_standard_errors_there_is_a_curve_and_no_band():
    for options in ({"alpha": 1.0}, {"alpha": 0.0}):
        effect = effects_of(regress.fit(TABLE, "y ~ poly(x, 2)", **options))["x"]
        assert all((point.low is None) == bool(options["alpha"]) for point in effect.points)
    with pytest.warns(DataWarning, match="depend on each other"):
        effect = effects_of(regress.fit(TABLE.assign(u=TABLE.x), "y ~ poly(x, 2) + u"))["x"]
    assert all(point.low is None for point in effect.points)


def test_a_band_that_rounding_may_reach_is_not_shown():
    table = TABLE.assign(x=TABLE.x.round(2) + 400.0)  # the powers differ by less than an inverse holds
    effect = effects_of(regress.fit(table, "y ~ poly(x, 4)"))["x"]
    assert all(point.low is None for point in effect.points)


def test_without_a_sample_there_is_no_effect():
    assert effects_of(regress.fit(TABLE, "y ~ poly(x, 2)", sample=0)) == {}


def test_another_reference_level_changes_the_effect(tmp_path):
    fit = regress.fit(TABLE, "y ~ zone * poly(x, 2)")
    wanted = effects_of(regress.fit(TABLE, "y ~ C(zone, ref='west') * poly(x, 2)"))["x"]
    fit.save(tmp_path / "m.json")
    for each in (fit, regress.load(tmp_path / "m.json")):
        effect = effects_of(each.relevel("zone", "west"))["x"]
        assert effect.levels == {"zone": "west"}
        assert np.array(effect.points) == pytest.approx(np.array(wanted.points), rel=1e-7, abs=1e-9)


def test_the_same_effects_from_files_in_any_order_and_from_their_sums(tmp_path):
    paths = []
    for k in range(3):
        paths.append(tmp_path / f"{k}.csv")
        TABLE[k::3].to_csv(paths[-1], index=False)
    formula = "y ~ poly(log(x), 2) + zone"
    fit = regress.fit(str(tmp_path / "*.csv"), formula)
    parts = [regress.moments(str(path), formula, sample=20_000) for path in paths[::-1]]
    parts[0].save(tmp_path / "0.moments")
    merged = regress.load_moments(tmp_path / "0.moments") + parts[1] + parts[2]
    again = regress.fit(merged)
    assert again.record.terms.ranges == fit.record.terms.ranges
    assert again.record.terms.effects == fit.record.terms.effects
    x, *_ = columns(effects_of(fit)["x"])
    assert x[0] > 0.5


def test_cells_that_an_indicator_explains_do_not_spoil_a_range():
    holes = TABLE.assign(x=TABLE.x.where(np.arange(M) % 9 > 0))
    fit = regress.fit(holes, "y ~ poly(x, 2) + missing(x)", missing="mean")
    x, *_ = columns(effects_of(fit)["x"])
    assert np.isfinite(x).all()
    assert effects_of(fit)["x"].at == pytest.approx(float(sum(map(Fraction, holes.x.dropna())) / holes.x.count()))
