"""A kind of standard error from outside the package: clusters, compared with statsmodels."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import regress
from regress import Covariance, InputError, TableError

random = np.random.default_rng(8)
M = 300
STATE = random.integers(0, 17, M)
FRAME = pd.DataFrame(
    {
        "x": random.normal(size=M),
        "z": random.normal(100.0, 3.0, size=M),
        "color": random.choice(["red", "green", "blue"], M),
        "state": [f"s{k}" for k in STATE],
    }
)
FRAME["y"] = 2.0 * FRAME.x - FRAME.z + random.normal(size=17)[STATE] + random.normal(size=M)
WEIGHTS = random.uniform(0.5, 2.0, M)


class Clustered(Covariance):
    """Errors of rows of one cluster may depend on each other: M sums the outer products of whole clusters' scores."""

    def __init__(self, column):
        self.columns = (column,)

    def begin(self, size):
        return ClusterScores(self.columns[0], size)

    def __str__(self):
        return f"clustered by {self.columns[0]}"


class ClusterScores:
    """The sum of the scores of each cluster."""

    def __init__(self, column, size):
        self.column, self.sums = column, defaultdict(lambda: np.zeros(size))

    def add(self, scores, along):
        for cluster, score in zip(along[self.column], scores, strict=True):
            self.sums[cluster] += score

    def finish(self, observations, parameters):
        g = len(self.sums)
        correction = g / (g - 1) * (observations - 1) / (observations - parameters)
        S = np.array(list(self.sums.values()))
        return correction * S.T @ S


def oracle(frame, weights=None, fit_intercept=True):
    X = pd.DataFrame({"x": frame.x, "z": frame.z})
    levels = sorted(frame.color.unique())
    for level in levels if not fit_intercept else levels[1:]:
        X[f"color={level}"] = (frame.color == level).astype(float)
    X = sm.add_constant(X) if fit_intercept else X
    model = sm.OLS(frame.y, X) if weights is None else sm.WLS(frame.y, X, weights=weights)
    return model.fit(cov_type="cluster", cov_kwds={"groups": frame.state.factorize()[0]})


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_clustered_errors_are_those_of_statsmodels(weights, fit_intercept):
    fit = regress.fit(FRAME, "y", cov_type=Clustered("state"), weights=weights, fit_intercept=fit_intercept)
    theirs = oracle(FRAME, weights, fit_intercept)
    assert fit.bse.to_numpy() == pytest.approx(theirs.bse.to_numpy(), rel=1e-9)
    assert "state=s1" not in fit.names
    assert "clustered by state" in fit.summary()
    covariance = fit.cov_params().to_numpy()
    assert covariance == pytest.approx(theirs.cov_params().to_numpy(), rel=1e-8, abs=1e-12)


def test_rows_held_out_and_missing_are_no_part_of_the_sums(tmp_path):
    frame = FRAME.copy()
    frame.loc[5:20, "x"] = np.nan
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    fit = regress.fit(str(path), "y", cov_type=Clustered("state"), missing="drop")
    assert fit.bse.to_numpy() == pytest.approx(oracle(frame.dropna().reset_index()).bse.to_numpy(), rel=1e-9)


def test_it_is_saved_by_its_name(tmp_path):
    fit = regress.fit(FRAME, "y", cov_type=Clustered("state"))
    fit.save(tmp_path / "m.json")
    loaded = regress.load(tmp_path / "m.json")
    assert loaded.summary() == fit.summary()
    assert loaded.options["cov_type"] == "clustered by state"


def test_what_it_cannot_have_is_refused():
    with pytest.raises(TableError, match="no column 'county' to use as a column of the standard errors"):
        regress.fit(FRAME, "y", cov_type=Clustered("county"))
    frame = FRAME.copy()
    frame.loc[7, "state"] = None
    with pytest.raises(TableError, match="row 7: column 'state' is empty"):
        regress.fit(frame, "y", cov_type=Clustered("state"))
    with pytest.raises(InputError, match="Repeat the rows"):
        regress.fit(FRAME, "y", cov_type=Clustered("state"), weights=np.ones(M), weight_type="frequency")
    with pytest.raises(InputError, match="cov_type"):
        regress.fit(FRAME, "y", cov_type="cluster")


SUMS = {
    "a scalar": lambda size: 1.0,
    "of another size": lambda size: np.eye(size + 1),
    "complex": lambda size: np.eye(size) * 1j,
    "not finite": lambda size: np.full((size, size), np.nan),
    "not symmetric": lambda size: np.triu(np.ones((size, size))),
    "negative": lambda size: -np.eye(size),
    "nothing": lambda size: None,
}


@pytest.mark.parametrize("kind", SUMS)
def test_sums_that_are_no_covariance_are_refused_when_the_table_is_fitted(kind):
    class Wrong(Covariance):
        def begin(self, size):
            return WrongSums(size)

    class WrongSums:
        def __init__(self, size):
            self.size = size

        def add(self, scores, along):
            pass

        def finish(self, observations, parameters):
            return SUMS[kind](self.size)

    with pytest.raises(InputError, match=r"^WrongSums.finish must return a "):
        regress.fit(FRAME[["x", "z", "y"]], "y", cov_type=Wrong())
