"""Formulas on a cluster: the bits of one process, those of first passes over the columns too."""

import warnings

import numpy as np
import pandas as pd
import pytest

import regress
from tests.examples import first

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

random = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "a": random.normal(size=300).round(3),
        "b": 1e6 + random.integers(0, 50, 300),
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, 300), unit="D"),
        "zone": random.choice(["north", "south", "west"], 300),
        "y": random.uniform(1.0, 9.0, 300),
    }
)
FORMULAS = [
    "log(y) ~ a * zone + poly(b, 2)",
    "y ~ 0 + zone:month(day) + center(b)",
    "y ~ bs(a, df=5) + scale(a):zone + poly(b, 2, orthogonal=True)",
    "y ~ .",
]


@pytest.fixture(scope="module")
def client():
    """Two workers of one thread each."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local,
        distributed.Client(local) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The table in parts; the last has a level that no other has."""
    folder = tmp_path_factory.mktemp("parts")
    TABLE.loc[290:, "zone"] = "east"
    for k, (start, stop) in enumerate([(0, 1), (1, 90), (90, 200), (200, 300)]):
        TABLE[start:stop].to_csv(folder / f"part{k}.csv", index=False)
    return str(folder / "*.csv")


def quiet(function, *given, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return function(*given, **options)


def same(one, other):
    return one.names == other.names and one.w.tolist() == other.w.tolist() and one.b == other.b


@pytest.mark.parametrize("formula", first(FORMULAS[:1], FORMULAS))
@pytest.mark.parametrize("options", [{}, {"test_size": 0.3, "cov_type": "HC1"}], ids=str)
def test_a_cluster_gives_the_bits_of_one_process(client, files, formula, options):
    here = quiet(regress.fit, files, formula, precision="exact", **options)
    there = quiet(regress.fit, files, formula, cluster=client, **options)
    assert same(here, there)
    assert np.array_equal(here.bse, there.bse, equal_nan=True)
    assert here.r2_test == there.r2_test
    if not options:
        assert same(here, quiet(regress.fit, TABLE, formula, precision="exact"))
        assert quiet(regress.certify, here, files, cluster=client, digits=14).passed
        assert quiet(regress.verify, here, files, cluster=client).matches


@pytest.mark.parametrize("formula", first(FORMULAS[:1], FORMULAS[:3]))
def test_a_dask_frame_gives_the_bits_of_the_table(client, files, formula):
    frames = pytest.importorskip("dask.dataframe")
    frame = frames.from_pandas(TABLE, npartitions=4)
    there = quiet(regress.fit, frame, formula, cluster=client)
    assert same(there, quiet(regress.fit, TABLE, formula, precision="exact"))


@pytest.mark.slow
def test_two_processes_started_for_a_fit(files):
    assert same(
        quiet(regress.fit, files, FORMULAS[2], cluster="local:2"),
        quiet(regress.fit, files, FORMULAS[2], precision="exact"),
    )


def test_missing_cells_are_filled_after_what_terms_need(client, files, tmp_path):
    holes = TABLE.assign(a=TABLE["a"].where(random.random(300) < 0.9))
    holes[:100].to_csv(tmp_path / "one.csv", index=False)
    holes[100:].to_csv(tmp_path / "two.csv", index=False)
    formula, table = "y ~ scale(a) + zone + a:zone", str(tmp_path / "*.csv")
    here = quiet(regress.fit, table, formula, missing="mean", precision="exact")
    assert same(quiet(regress.fit, table, formula, missing="mean", cluster=client), here)


def test_moments_of_a_cluster_are_those_of_one_process(client, files):
    here, there = (regress.moments(files, FORMULAS[0], **options) for options in ({}, {"cluster": client}))
    assert here.fingerprint == there.fingerprint
    assert same(quiet(regress.fit, there), quiet(regress.fit, files, FORMULAS[0], precision="exact"))


def test_a_run_goes_on_with_its_formula_only(client, files, tmp_path):
    kept = {"cluster": client, "checkpoint": tmp_path / "kept.parts"}
    expected = quiet(regress.fit, files, FORMULAS[2], **kept)
    assert same(quiet(regress.fit, files, FORMULAS[2], resume=True, **kept), expected)
    for formula in (FORMULAS[2].replace("df=5", "df=6"), "y ~ a + b", "log(y) ~ a"):
        with pytest.raises(regress.InputError, match="another table or of other options"):
            quiet(regress.fit, files, formula, resume=True, **kept)


@pytest.mark.slow
def test_the_tools_of_a_comparison_are_measured_against_the_cluster(client, files):
    result = quiet(regress.compare, files, "y ~ a * zone", cluster=client)
    assert result.agree
