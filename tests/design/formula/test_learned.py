"""What calls learn from a table: against rational arithmetic and formulaic; the same bits in any order and parts."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.design.formula.evaluate import evaluate
from regress.design.formula.learned import learner
from regress.errors import InputError
from tests.design.formula.expressions import Columns, call, computed
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

ORTHOGONAL = [call("poly", k, orthogonal=True) for k in (1, 3)]
CALLS = [call("center"), call("scale"), *ORTHOGONAL, call("bs", df=6), call("ns", df=4, lower=-1), call("bs")]

UNEVEN = f"{ORTHOGONAL[1]} is not possible: its values are too large, or differ too little."


def found(expression, x, weights=None):
    learns = learner(expression)
    learns.add(np.array(x), None if weights is None else np.array(weights))
    return learns.finish()


def gram_schmidt(x, degree):
    """Return R's alpha and norm2 from values of the polynomials in rational arithmetic, each rounded once."""
    x = [Fraction(each) for each in x]
    columns, alphas, norms = [[Fraction(1)] * len(x)], [], []
    for k in range(degree + 1):
        norms.append(sum(v * v for v in columns[k]))
        alphas.append(sum(a * v * v for a, v in zip(x, columns[k], strict=True)) / norms[k])
        column = [a ** (k + 1) for a in x]
        for other, norm in zip(columns, norms, strict=True):
            share = sum(v * w for v, w in zip(column, other, strict=True)) / norm
            column = [v - share * w for v, w in zip(column, other, strict=True)]
        columns.append(column)
    return tuple(map(float, [*alphas[:-1], *norms]))


@pytest.mark.parametrize("shift", [0.0, 1.7e9])
@pytest.mark.parametrize("degree", [1, 2, 5])
def test_orthogonal_polynomials_learn_the_nearest_doubles(degree, shift):
    x = np.random.default_rng(5).normal(size=30) + shift
    assert found(call("poly", degree, orthogonal=True), x) == gram_schmidt(x.tolist(), degree)


def test_orthogonal_polynomials_agree_with_formulaic():
    poly = pytest.importorskip("formulaic.transforms").poly
    x = np.random.default_rng(6).uniform(20, 30, 100)
    np.testing.assert_allclose(computed(call("poly", 4, orthogonal=True), x).T, poly(x, 4), atol=1e-11)


def test_orthogonal_polynomials_are_orthonormal():
    x = np.random.default_rng(7).uniform(size=50)
    columns = np.vstack([np.full(50, 50**-0.5), computed(call("poly", 6, orthogonal=True), x)])
    np.testing.assert_allclose(columns @ columns.T, np.eye(7), atol=1e-11)


def test_center_and_scale_learn_the_nearest_doubles():
    x = (np.random.default_rng(8).normal(size=100) + 1e8).tolist()
    mean = sum(map(Fraction, x)) / 100
    variance = sum((Fraction(each) - mean) ** 2 for each in x) / 99
    assert found(call("center"), x) == (float(mean),)
    learned_mean, sd = found(call("scale"), x)
    assert learned_mean == float(mean)
    below, above = Fraction(np.nextafter(sd, 0).item()), Fraction(np.nextafter(sd, 9).item())
    assert ((below + Fraction(sd)) / 2) ** 2 <= variance <= ((above + Fraction(sd)) / 2) ** 2


def test_weights_count_in_means_alone():
    x, w = [1.0, 2.0, 5.0], [1.0, 3.0, 0.5]
    assert found(call("center"), x, w) == (9.5 / 4.5,)
    mean, sd = found(call("scale"), x, w)
    squares = sum(b * (a - mean) ** 2 for a, b in zip(x, w, strict=True))
    assert sd == pytest.approx((squares / (4.5 * 2 / 3)) ** 0.5, rel=1e-15)
    assert found(call("scale"), x, [8 * each for each in w]) == (mean, sd)
    assert found(call("scale"), x, [1.0, 1.0, 1.0]) == found(call("scale"), x)
    for expression in (*ORTHOGONAL[:1], call("bs", df=4), call("ns", df=3)):
        assert found(expression, [*x, 9.0], [*w, 1.0]) == found(expression, [*x, 9.0])


@pytest.mark.parametrize("expression", CALLS, ids=str)
@QUICK
@given(st.integers(0, 2**32 - 1))
def test_order_and_parts_have_no_effect(expression, seed):
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(size=50), rng.integers(-3, 4, 20), [np.nan, np.inf, -0.0]])
    weights = rng.uniform(0.1, 2, len(x))
    expected = found(expression, x, weights)
    order = rng.permutation(len(x))
    parts = []
    for rows in np.split(order, np.sort(rng.integers(0, len(x), 5))):
        learns = pickle.loads(pickle.dumps(learner(expression)))
        learns.add(x[rows], weights[rows])
        parts.append(pickle.loads(pickle.dumps(learns)))
    while len(parts) > 1:
        other = parts.pop(int(rng.integers(len(parts))))
        parts[int(rng.integers(len(parts)))].merge(other)
    assert parts[0].finish() == expected
    assert not parts[0].coarse


def test_splines_learn_quantiles_between_the_boundaries():
    x = np.random.default_rng(9).normal(size=1000)
    assert found(call("bs", df=6), x) == pytest.approx([x.min(), x.max(), *np.quantile(x, [0.25, 0.5, 0.75])][:5])
    inside = x[(x >= -1) & (x <= 2)]
    ends = (-1.0, 2.0)
    assert found(call("ns", df=4, lower=-1, upper=2), x) == pytest.approx(
        [*ends, *np.quantile(inside, [0.25, 0.5, 0.75])]
    )
    assert found(call("ns", knots=[0, 1], upper=7), x) == (x.min(), 7.0, 0.0, 1.0)


def test_a_learner_reports_rounded_quantiles():
    x = np.random.default_rng(10).uniform(1, 2, 2**20 + 2**17)
    learns = learner(call("bs", df=5))
    for part in np.split(x, 9):
        learns.add(part)
    lower, upper, *knots = learns.finish()
    assert learns.coarse
    assert (lower, upper) == (x.min(), x.max())
    assert knots == pytest.approx(np.quantile(x, [1 / 3, 2 / 3]), abs=2**-19)


@pytest.mark.parametrize(
    ("expression", "x", "message"),
    [
        (call("center"), [np.nan], "center(x) is not possible: it has no values."),
        (call("scale"), [], "scale(x) is not possible: it has no values."),
        (call("scale"), [2.0, 2.0], "scale(x) is not possible: all of its values are equal."),
        (call("scale"), [2.0], "scale(x) is not possible: all of its values are equal."),
        (
            ORTHOGONAL[1],
            [1.0, 2.0, 3.0, 1.0],
            f"{ORTHOGONAL[1]} is not possible: it needs more than 3 different values.",
        ),
        (ORTHOGONAL[1], [1e300, 2e300, 4e300, 7e300], UNEVEN),
        (ORTHOGONAL[1], [1e-99, 2e-99, 4e-99, 7e-99], UNEVEN),
        (
            call("scale"),
            [0.0] * 99 + [5e-324],
            "scale(x) is not possible: its values are too large, or differ too little.",
        ),
        (call("bs"), [np.nan], "bs(x) is not possible: it has no values."),
        (
            call("bs", df=5, lower=5, upper=6),
            [1.0, 2.0],
            "bs(x, df=5, lower=5, upper=6) is not possible: it has no values.",
        ),
        (
            call("ns"),
            [3.0, 3.0],
            "ns(x) is not possible: its boundaries, 3.0 and 3.0, do not ascend. Give knots, lower and upper yourself.",
        ),
        (
            call("bs", knots=[1, 9]),
            [0.0, 3.0],
            "bs(x, knots=[1, 9]) is not possible: its knots must lie between 0.0 and 3.0. "
            "Give knots, lower and upper yourself.",
        ),
        (
            call("ns", df=3),
            [0.0] * 9 + [3.0],
            "ns(x, df=3) is not possible: its knots must lie between 0.0 and 3.0. "
            "Give knots, lower and upper yourself.",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_values_that_determine_nothing_are_refused(expression, x, message):
    with pytest.raises(InputError) as caught:
        found(expression, np.array(x))
    assert str(caught.value) == message


def test_missing_values_do_not_count():
    x = np.array([1.0, np.nan, 4.0, 2.5, np.nan, 3.5])
    known = x[~np.isnan(x)]
    for expression in CALLS[:3]:
        assert found(expression, x) == found(expression, known)
        result = evaluate(expression, Columns(x=x), {str(expression): found(expression, x)})
        assert np.isnan(np.atleast_2d(result)[0]).tolist() == np.isnan(x).tolist()
