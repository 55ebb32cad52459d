"""partial_fit and forget: the answer of rational arithmetic on the rows that remain, whatever order they came in."""

import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import regress
from regress import InputError, LinearRegressor
from regress.api import incremental
from regress.objective.losses import SquaredError
from regress.objective.penalties import Ridge
from regress.solvers.steps import Newton
from tests.examples import examples
from tests.oracles.rational import LeastSquares, nearest

SCALES = [1.0, 2.0**-20, 2.0**20]
WEIGHTS = [0.0, 1.0, 0.1, 3.0, 1e-9, 1e9]
small = st.integers(-3, 3).map(float)


def check(estimator, rows, alpha=0.0, fit_intercept=True):
    """Compare an estimator with rational arithmetic on rows (x, y, weight): every number is the nearest double."""
    X, Y, weights = zip(*(row for row in rows if row[2]), strict=True)
    least = LeastSquares(X, weights, alpha, fit_intercept)
    coef, intercept, rank = bits(estimator)
    assert rank == least.rank
    for w, b, y in zip(coef, intercept, zip(*Y, strict=True), strict=True):
        exact = least.minimum(y)
        for got, value in zip([*w, b], [*exact.w, exact.b], strict=True):
            assert got == nearest(value) or Fraction(got) + Fraction(nearest(value)) == 2 * value  # either of a tie


def arrays(rows, weighted=True):
    X, Y, weights = zip(*rows, strict=True)
    return np.array(X), np.array(Y), np.array(weights) if weighted else None


def bits(estimator):
    coef = np.atleast_2d(estimator.coef_)
    return coef.tolist(), np.broadcast_to(estimator.intercept_, len(coef)).tolist(), estimator.rank_


@st.composite
def tables(draw):
    n, k, m = draw(st.integers(1, 4)), draw(st.integers(1, 2)), draw(st.integers(1, 12))
    scales = draw(st.lists(st.sampled_from(SCALES), min_size=n, max_size=n))
    constant = draw(st.booleans())
    rows = []
    for _ in range(m):
        x = [draw(small) * scale for scale in scales]
        x[0] = 0.1 if constant else x[0]
        rows.append((x, [draw(small) * 0.1 for _ in range(k)], draw(st.sampled_from(WEIGHTS))))
    return rows


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.data(), tables(), st.sampled_from([0.0, 0.75]), st.booleans())
def test_any_interleaving_gives_the_rational_answer_on_the_rows_that_remain(data, rows, alpha, fit_intercept):
    estimator = LinearRegressor(alpha=alpha, fit_intercept=fit_intercept)
    coming, held = list(rows), []
    while coming or (held and data.draw(st.booleans())):
        if coming and (not held or data.draw(st.booleans())):
            cut = data.draw(st.integers(1, len(coming)))
            chunk, coming = coming[:cut], coming[cut:]
            weighted = data.draw(st.booleans())
            chunk = chunk if weighted else [(x, y, 1.0) for x, y, _ in chunk]
            estimator.partial_fit(*arrays(chunk, weighted))
            held += chunk
        else:
            held = data.draw(st.permutations(held))
            cut = data.draw(st.integers(1, len(held)))
            chunk, held = held[:cut], held[cut:]
            estimator.forget(*arrays(chunk))
        if data.draw(st.booleans()):
            estimator = pickle.loads(pickle.dumps(estimator))
        if any(a for _, _, a in held):
            check(estimator, held, alpha, fit_intercept)
        else:
            with pytest.raises(NotFittedError, match="There are no rows"):
                estimator.predict(np.array([rows[0][0]]))


@settings(deadline=None, max_examples=examples(40), derandomize=True)
@given(tables(), st.sampled_from([0.0, 0.75]), st.booleans())
def test_one_call_gives_the_bits_of_an_exact_fit(rows, alpha, fit_intercept):
    rows = [row for row in rows if row[2]] * 2  # scikit-learn's rule of two rows need not hold, so none is needed
    if not rows:
        return
    estimator = LinearRegressor(alpha=alpha, fit_intercept=fit_intercept, precision="exact")
    for over in ("auto", "moments"):
        fitted = clone(estimator).set_params(over=over).fit(*arrays(rows))
        assert bits(clone(estimator).partial_fit(*arrays(rows))) == bits(fitted)


FAMILIES = {
    "normal": lambda r, m: r.normal(size=m),
    "timestamps": lambda r, m: 1.7e9 + r.uniform(size=m),
    "twelve decades": lambda r, m: 10 ** r.uniform(-12, 0, size=m),
    "heavy tails": lambda r, m: np.exp(5 * r.normal(size=m)),
    "enormous": lambda r, m: r.normal(size=m) * 1e140,
    "tiny": lambda r, m: r.normal(size=m) * 1e-140,
    "integers": lambda r, m: np.rint(r.normal(size=m) * 1e4),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_many_rows_in_any_chunks_have_the_bits_of_an_exact_fit(seed, weighted):
    random = np.random.default_rng(seed)
    m = 3000
    X = np.column_stack([make(random, m) for make in FAMILIES.values()])
    y = random.normal(size=m)
    a = random.uniform(0.1, 3.0, m) if weighted else np.ones(m)
    kept = random.random(m) < 0.7
    fitted = LinearRegressor(precision="exact").fit(X[kept], y[kept], a[kept] if weighted else None)
    for jobs in (1, 2):
        estimator, order = LinearRegressor(n_jobs=jobs), random.permutation(m)
        for rows in np.array_split(order, random.integers(1, 30)):
            estimator.partial_fit(X[rows], y[rows], a[rows] if weighted else None)
        for rows in np.array_split(random.permutation(np.flatnonzero(~kept)), 7):
            estimator.forget(X[rows], y[rows], a[rows] if weighted else None)
        assert bits(estimator) == bits(fitted)
        np.testing.assert_array_equal(estimator.predict(X), fitted.predict(X))


def test_integers_are_integers_again_after_fractions_are_forgotten():
    # Two columns of integers at 2^40 that differ by 1 in a row: a difference that rounding explains in other numbers.
    X = np.column_stack([2.0**40 + np.arange(9.0) ** 2] * 2)
    X[4, 1] += 2.0**-11
    y = np.arange(9.0)
    estimator = LinearRegressor().partial_fit(X, y)
    assert estimator.rank_ == 1
    whole = X.copy()
    whole[4, 1] = X[4, 0] + 1.0
    estimator.forget(X[4:5], y[4:5]).partial_fit(whole[4:5], y[4:5])
    assert estimator.rank_ == 2
    check(estimator, [(x, [t], 1.0) for x, t in zip(whole.tolist(), y.tolist(), strict=True)])


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 3))
    return X, X @ [1.0, -2.0, 3.0] + 4.0 + random.normal(size=60)


@pytest.mark.parametrize("shape", [(), (1,), (2,)], ids=str)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_types_and_shapes_are_those_of_fit(rows, shape, kind):
    X, y = rows[0].astype(kind), np.multiply.outer(rows[1], np.ones(shape))
    fitted = LinearRegressor().fit(X, y)
    estimator = LinearRegressor().partial_fit(X[:30], y[:30]).partial_fit(X[30:], y[30:])
    assert (estimator.coef_.shape, estimator.coef_.dtype) == (fitted.coef_.shape, fitted.coef_.dtype)
    assert (np.shape(estimator.intercept_), type(estimator.intercept_)) == (
        np.shape(fitted.intercept_),
        type(fitted.intercept_),
    )
    assert bits(estimator) == bits(fitted)
    assert (estimator.n_iter_, estimator.status_, estimator.n_features_in_) == (1, "converged", 3)
    assert estimator.predict(X).dtype == fitted.predict(X).dtype
    np.testing.assert_array_equal(estimator.predict(X), fitted.predict(X))
    assert LinearRegressor().partial_fit(X, y).partial_fit(X.astype(np.float64), y).coef_.dtype == np.float64


def test_a_fit_in_exact_arithmetic_goes_on(rows):
    X, y = rows
    estimator = LinearRegressor().fit(X[:40], y[:40])
    assert bits(estimator.partial_fit(X[40:], y[40:])) == bits(LinearRegressor().fit(X, y))
    assert bits(estimator.forget(X[:20], y[:20])) == bits(LinearRegressor().fit(X[20:], y[20:]))
    assert bits(estimator.fit(X[:9], y[:9])) == bits(LinearRegressor().fit(X[:9], y[:9]))  # anew
    with pytest.raises(InputError, match="not all added"):
        estimator.forget(X[9:], y[9:])


@pytest.mark.parametrize(
    ("options", "kept"), [({"precision": "float64"}, 60), ({"solver": "gd", "over": "rows"}, 60), ({}, 3)]
)
def test_a_fit_without_exact_sums_does_not_go_on(rows, options, kept):
    X, y = rows
    estimator = LinearRegressor(**options).fit(X[:kept], y[:kept])
    estimator.set_params(precision="auto", solver="auto", over="auto")
    with pytest.raises(InputError, match=r"kept no exact totals.*precision='exact'"):
        estimator.partial_fit(X, y)
    with pytest.raises(InputError, match="no rows to forget"):
        estimator.forget(X[:kept], y[:kept])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"solver": "gd"}, "solver='gd' does not use. Use solver='auto'"),
        ({"solver": "sgd"}, "solver='auto'"),
        ({"solver": Newton()}, "solver='auto'"),
        ({"gradient": "autodiff"}, "gradient='derived'"),
        ({"over": "rows"}, "over='auto'"),
        ({"precision": "float64"}, "precision='auto'"),
        ({"loss": "huber"}, "loss='squared_error'"),
        ({"loss": SquaredError()}, "loss='squared_error'"),
        ({"penalty": Ridge(1.0)}, "penalty=None"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["partial_fit", "forget"])
def test_options_without_exact_sums_are_refused_and_the_method_is_absent(rows, method, options, says):
    estimator = LinearRegressor(**options)
    assert not hasattr(estimator, method)
    with pytest.raises(InputError, match=says) as refused:
        getattr(estimator, method)(*rows)
    assert isinstance(refused.value, AttributeError)
    assert str(refused.value).startswith(method)


def test_wrong_options_are_refused_at_the_call_and_change_nothing(rows):
    estimator = LinearRegressor().partial_fit(*rows)
    before = bits(estimator)
    with pytest.raises(InputError, match="alpha"):
        estimator.set_params(alpha=-1.0).partial_fit(*rows)
    assert bits(estimator) == before
    X, y = rows
    assert bits(estimator.set_params(alpha=2.0).partial_fit(X[:9], y[:9])) == bits(
        LinearRegressor(alpha=2.0).fit(np.r_[X, X[:9]], np.r_[y, y[:9]])
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y: (X, y, 2.0),
        lambda X, y: (np.r_[X, X[:1]], np.r_[y, y[:1]], None),
        lambda X, y: (X[:5] * 1e6, y[:5], None),
        lambda X, y: (X[:5], y[:5] * 1e6, None),
        lambda X, y: (X + 1e-9, y, None),  # as many rows, but others
        lambda X, y: (X, y[::-1], None),
        lambda X, y: (np.tile(X[:1], (59, 1)), np.full(59, y[0]), None),
        lambda X, y: (X[:5], y[:5], 12.5),  # more weight than there is
        lambda X, y: (X[:1] * [1.0, 1.0, 0.0] + [0.0, 0.0, 6.0], y[:1], None),  # possible but for the spread
    ],
    ids=["weights", "a row more", "x", "y", "all x", "another order of y", "a row repeated", "a heavy row", "spread"],
)
def test_rows_that_were_not_all_added_are_refused_and_nothing_changes(rows, change):
    rows[0][:, 2] = 5.0 + 1e-3 * rows[0][:, 2]
    estimator = LinearRegressor().partial_fit(*rows)
    before = bits(estimator)
    with pytest.raises(InputError, match="not all added"):
        estimator.forget(*change(*rows))
    assert bits(estimator) == before
    assert bits(pickle.loads(pickle.dumps(estimator)).partial_fit(*rows).forget(*rows)) == before


def test_rows_that_only_the_minimum_shows_are_refused_where_it_is_used():
    X = np.arange(10.0)[:, None] % 7
    y = 3.0 * X[:, 0] + 1.25
    with pytest.raises(InputError, match="not all added"):
        LinearRegressor().partial_fit(X, y).forget(X[:2], y[1::-1])  # sums of squares are as they should be
    estimator = LinearRegressor().partial_fit(X, y).forget(X[:1], y[:1] + 2.0**-30)  # float64 cannot tell
    with pytest.raises(InputError, match="not added: no rows have these totals"):
        _ = estimator.coef_


def test_rows_without_weight_do_not_remain():
    estimator = LinearRegressor().partial_fit(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(InputError, match="not all added"):
        estimator.forget(np.zeros((2, 1)), np.zeros(2), 1.5)


def test_after_every_row_is_forgotten_there_is_nothing_to_predict_with(rows):
    X, y = rows
    estimator = LinearRegressor().partial_fit(X, y).forget(X[30:], y[30:]).forget(X[:30], y[:30])
    with pytest.raises(NotFittedError, match=r"There are no rows.*Add rows with partial_fit"):
        estimator.predict(X)
    assert not hasattr(estimator, "coef_")
    with pytest.raises(InputError, match="not all added"):
        estimator.forget(X[:1], y[:1])
    with pytest.raises(ValueError, match="expecting 3 features"):
        estimator.partial_fit(X[:, :2], y)
    assert bits(estimator.partial_fit(X, y)) == bits(LinearRegressor().fit(X, y))
    assert not hasattr(LinearRegressor().partial_fit(X, y, 0.0), "coef_")


def test_the_first_call_decides_on_columns_names_and_targets(rows):
    X, y = rows
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    estimator = LinearRegressor().partial_fit(frame[:30], y[:30])
    for method in (estimator.partial_fit, estimator.forget):
        with pytest.raises(ValueError, match="feature names should match"):
            method(frame[["c", "b", "a"]], y)
        with pytest.raises(InputError, match=r"shape of the first call: rows, not rows by 1\."):
            method(frame, y[:, None])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        estimator.partial_fit(X[30:], y[30:])
    assert estimator.feature_names_in_.tolist() == ["a", "b", "c"]
    assert bits(estimator) == bits(LinearRegressor().fit(X, y))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("first", [True, False])
def test_cells_that_are_no_numbers_are_refused_and_change_nothing(rows, wrong, first):
    X, y = rows
    estimator = LinearRegressor() if first else LinearRegressor().partial_fit(X, y)
    bad, bad_y = X[:5].copy(), y[:5].copy()
    bad[1, 1] = bad_y[2] = wrong
    with pytest.raises(ValueError, match="Input X contains"):
        estimator.partial_fit(bad, y[:5])
    with pytest.raises(ValueError, match="Input y contains"):
        estimator.partial_fit(X[:5], bad_y)
    if first:  # nothing is decided yet
        estimator.partial_fit(X[:, :2], y)
        assert bits(estimator) == bits(LinearRegressor().fit(X[:, :2], y))
    else:
        assert bits(estimator) == bits(LinearRegressor().fit(X, y))


def test_arrays_may_be_changed_after_a_call(rows):
    X, y, a = *(part.copy() for part in rows), np.linspace(0.5, 2.0, 60)
    estimator = LinearRegressor().partial_fit(X, y, a)
    X[:], y[:], a[:] = 0.0, 0.0, 1.0
    assert bits(estimator) == bits(LinearRegressor().fit(*rows, np.linspace(0.5, 2.0, 60)))


def test_a_copy_goes_on_by_itself_and_a_clone_is_not_fitted(rows):
    X, y = rows
    estimator = LinearRegressor(alpha=0.5).partial_fit(X, y)
    copied = pickle.loads(pickle.dumps(estimator))
    assert X[7].tobytes() not in pickle.dumps(estimator)
    assert bits(copied.forget(X[:20], y[:20])) == bits(LinearRegressor(alpha=0.5).fit(X[20:], y[20:]))
    assert bits(estimator) == bits(LinearRegressor(alpha=0.5).fit(X, y))
    assert not hasattr(clone(estimator), "coef_")
    copied = clone(estimator)
    with pytest.raises(NotFittedError, match="fit or partial_fit"):
        _ = copied.coef_
    with pytest.raises(AttributeError, match="no attribute 'slope_'"):
        _ = estimator.slope_


def test_what_is_set_aside_is_not_stored():
    random = np.random.default_rng(0)
    X = random.normal(size=(2000, 2))
    X[::50] *= 1e-200
    assert X[50].tobytes() not in pickle.dumps(LinearRegressor().partial_fit(X, X[:, 0]))


def test_sums_certify_as_a_fit_does(rows):
    X, y = rows
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)
    estimator = LinearRegressor().partial_fit(table[["a", "b", "c"]], y)
    assert regress.certify(estimator, table, "y").passed


def test_what_cannot_be_solved_is_reported_where_it_is_used():
    X, y = np.random.default_rng(0).normal(size=(40, 301)), np.ones(40)
    estimator = LinearRegressor().partial_fit(X, y)
    with pytest.raises(InputError, match=r"40 rows do not determine 301 coefficients.*Add rows"):
        _ = estimator.coef_
    assert not hasattr(estimator, "coef_")
    single = np.arange(5.0, dtype=np.float32)[:, None] * np.float32(1e-30)
    with pytest.raises(InputError, match="range of float32"):
        LinearRegressor().partial_fit(single, np.arange(5.0) * 1e20).predict(single)


def test_sums_that_do_not_fit_in_memory_are_refused(rows, monkeypatch):
    monkeypatch.setattr(incremental, "exact_fits", lambda n: n < 3)
    with pytest.raises(InputError, match=r"3 columns need too much memory. Use fit"):
        LinearRegressor().partial_fit(*rows)
