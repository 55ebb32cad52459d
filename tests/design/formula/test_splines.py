"""Splines against R's numbers, patsy, SciPy's B-splines, and what defines a natural spline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patsy.test_splines_bs_data import R_bs_num_tests, R_bs_test_data, R_bs_test_x
from scipy.interpolate import BSpline

from regress.design.formula.functions import width
from regress.design.formula.splines import b_splines, natural_splines, padded
from tests.design.formula.expressions import call, computed
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

HEIGHT = np.arange(58.0, 73.0)  # R's table `women`
WEIGHT = np.array([115, 117, 120, 123, 126, 129, 132, 135, 139, 142, 146, 150, 154, 159, 164.0])
FROM_R = [114.74466, 15.94736, 25.16949, 33.25822, 50.78938, 45.03633]  # coef(lm(weight ~ ns(height, df = 5), women))


def cases_of_r():
    for text in R_bs_test_data.split("--BEGIN TEST CASE--")[1:]:
        lines = dict(line.split("=", 1) for line in text.split("--END")[0].strip().splitlines())
        value = {name: eval(line, {"np": np, "TRUE": True, "FALSE": False}) for name, line in lines.items()}
        options = {"degree": value["degree"], "intercept": value["intercept"]}
        if value["df"] is not None:
            options["df"] = value["df"]
        if value["knots"] is not None:
            options["knots"] = np.atleast_1d(value["knots"]).tolist()
        if value["Boundary.knots"] is not None:
            options["lower"], options["upper"] = (float(bound) for bound in value["Boundary.knots"])
        yield call("bs", **options), value["output"]


CASES = list(cases_of_r())


def test_all_cases_of_r_are_there():
    assert len(CASES) == R_bs_num_tests


@pytest.mark.parametrize(("expression", "output"), CASES, ids=[str(expression)[:60] for expression, _ in CASES])
def test_b_splines_are_those_of_r(expression, output):
    result = computed(expression, R_bs_test_x)
    assert width(expression) == len(result)
    np.testing.assert_allclose(result.T, output, rtol=1e-11, atol=1e-14)


def test_a_fit_on_natural_splines_has_the_coefficients_of_r():
    basis = computed(call("ns", df=5), HEIGHT)
    fit = np.linalg.lstsq(np.column_stack([np.ones(15), basis.T]), WEIGHT)[0]
    np.testing.assert_allclose(fit, FROM_R, rtol=0, atol=6e-6)


@QUICK
@given(
    st.lists(st.floats(-0.95, 0.95), min_size=0, max_size=5),
    st.integers(1, 5),
    st.lists(st.floats(-3, 3), min_size=1, max_size=8),
)
def test_b_splines_and_their_extrapolation_agree_with_scipy(inner, degree, x):
    inner = sorted({round(knot, 2) for knot in inner})
    knots = padded(-1.0, inner, 1.0, degree)
    expected = BSpline(knots, np.eye(len(knots) - degree - 1), degree)(x)
    result = b_splines(np.array(x), knots, degree).T
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_b_splines_on_repeated_knots_agree_with_scipy():
    x = np.linspace(0, 4, 41)
    knots = padded(0.0, [1.0, 2.0, 2.0, 3.0, 3.0, 3.0], 4.0, 3)
    np.testing.assert_allclose(b_splines(x, knots, 3).T, BSpline(knots, np.eye(10), 3)(x), atol=1e-15)


def natural(x, knots, intercept):
    """Return R's basis from SciPy's B-splines and LAPACK's QR factorization."""
    spline = BSpline(knots, np.eye(len(knots) - 4), 3)
    lower, upper = knots[0], knots[-1]
    inside = np.clip(x, lower, upper)
    basis = spline(inside) + (x - inside)[:, None] * spline(inside, nu=1)
    bends = spline([lower, upper], nu=2)
    first = 0 if intercept else 1
    return (basis[:, first:] @ np.linalg.qr(bends[:, first:].T, mode="complete")[0])[:, 2:]


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("inner", [[], [2.0], [1.0, 4.9], [0.5, 1.0, 3.0, 3.5, 4.0], [2.0, 2.0, 2.0]], ids=str)
def test_natural_splines_agree_with_lapack(inner, intercept):
    x = np.linspace(-3, 9, 101)
    knots = padded(0.0, inner, 5.0, 3)
    np.testing.assert_allclose(natural_splines(x, knots, intercept).T, natural(x, knots, intercept), atol=1e-12)


@QUICK
@given(st.lists(st.integers(1, 99), min_size=0, max_size=6, unique=True), st.booleans())
def test_natural_splines_are_what_defines_them(inner, intercept):
    """Two continuous derivatives, and straight lines beyond the boundaries; with an intercept, all such functions."""
    knots = padded(0.0, [knot / 100 for knot in inner], 1.0, 3)

    def basis(x):
        return natural_splines(np.array(x), knots, intercept)

    assert len(basis([0.5])) == len(inner) + 1 + intercept
    step = 2.0**-12
    size = np.abs(basis(np.linspace(-1, 2, 50))).max()
    for outside in (np.array([-3.0, -1.5, 0.0]), np.array([1.0, 1.75, 2.5])):
        assert np.abs(np.diff(basis(outside), 2)).max() <= 1e-12 * size
    for knot in (0.0, 1.0):
        left, right = (basis([knot + side * k * step for k in (0, 1, 2)]) for side in (-1, 1))
        slopes = [(side * (-3 * a[:, 0] + 4 * a[:, 1] - a[:, 2]) / (2 * step)) for side, a in ((-1, left), (1, right))]
        bends = [(a[:, 0] - 2 * a[:, 1] + a[:, 2]) / step**2 for a in (left, right)]
        narrow = min(np.diff([0, *sorted(inner), 100])) / 100
        assert np.abs(slopes[0] - slopes[1]).max() <= 1e3 * size * step**2 / narrow**3
        assert np.abs(bends[0] - bends[1]).max() <= 1e3 * size * step / narrow**3
    x = np.linspace(-0.5, 1.5, 400)
    columns = basis(x).T
    assert np.linalg.matrix_rank(columns) == columns.shape[1]


def test_a_missing_value_is_missing_in_every_column():
    x = np.array([0.5, np.nan, 2.0])
    for name in ("bs", "ns"):
        missing = np.isnan(computed(call(name, knots=[1], lower=0, upper=3), x))
        assert missing.tolist() == [[False, True, False]] * len(missing)


def test_knots_that_are_quantiles_at_a_boundary_move_inside_as_in_r():
    """R: (0, 0, 1, 2) as quantiles of x over [0, 4] become (1/8, 1/8, 1, 2), and as at the upper boundary."""
    low = np.array([0.0] * 6 + [1.0] * 2 + [2.0, 2.0, 4.0])
    for x, knots in ((low, [0.125, 0.125, 1, 2]), (4 - low, [2, 3, 3.875, 3.875])):
        chosen = computed(call("ns", df=5), x)
        assert np.array_equal(chosen, computed(call("ns", knots=knots), x))
