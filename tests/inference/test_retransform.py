"""Transforming predictions back, against decimals of 60 digits and means over all residuals."""

from decimal import Decimal, localcontext
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.design.formula.expression import Call, Literal, Named, Operation
from regress.inference.residuals import Sampled
from regress.inference.retransform import in_units, normal, r2_original, sentence, smearing, transform_of
from regress.term_records import Retransform, Transform
from tests.examples import examples

TRANSFORMS = get_args(Transform)
values = st.floats(-30.0, 30.0)
rows = st.lists(st.tuples(values, values, st.floats(0.01, 100.0)), min_size=1, max_size=30)

NO_COLUMNS = np.empty((0, 0))


def inverse(transform, value):
    """Return g⁻¹ of a decimal, by the decimal module."""
    match transform:
        case "log":
            return value.exp()
        case "log1p":
            return value.exp() - 1
        case "log2":
            return (value * Decimal(2).ln()).exp()
        case "log10":
            return (value * Decimal(10).ln()).exp()
    return value * value


def made(transform, correction="naive", **by):
    return Retransform(transform=transform, column="y", correction=correction, **by)


@pytest.mark.parametrize("transform", TRANSFORMS)
@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(given=rows, at=st.floats(0.0, 20.0))
def test_smearing_is_the_mean_over_all_residuals(transform, given, at):
    actual, predicted, weights = map(np.array, zip(*given, strict=True))
    how = made(transform, "smearing", **smearing(transform, Sampled(predicted, actual, weights, NO_COLUMNS)))
    with localcontext() as context:
        context.prec = 60
        residuals = [Decimal(y) - Decimal(p) for y, p, _ in given]
        terms = [
            Decimal(a) * inverse(transform, Decimal(at) + e) for (_, _, a), e in zip(given, residuals, strict=True)
        ]
        expected = sum(terms) / sum(Decimal(a) for _, _, a in given)
        size = sum(map(abs, terms)) / sum(Decimal(a) for _, _, a in given) + 1
    assert abs(in_units(how, np.array([at]))[0] - float(expected)) <= 1e-12 * float(size)


@pytest.mark.parametrize("transform", TRANSFORMS)
@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(at=st.floats(0.0, 20.0), variance=st.floats(0.0, 4.0))
def test_errors_that_are_normal_are_integrated(transform, at, variance):
    """By Gauss and Hermite: 60 nodes integrate what grows like exp(5 s) to far more digits than are asked for."""
    z, a = np.polynomial.hermite_e.hermegauss(60)
    points = at + np.sqrt(variance) * z
    with np.errstate(over="ignore"):
        powers = {"log": np.exp, "log1p": np.expm1, "log2": np.exp2, "sqrt": np.square}.get(
            transform, lambda v: 10.0**v
        )
    expected = a @ powers(points) / a.sum()
    found = in_units(made(transform, "normal", **normal(transform, variance)), np.array([at]))[0]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_without_a_correction_each_value_is_the_inverse(transform):
    at = np.array([0.0, 1e-12, 0.3, 1.0, 7.5])
    with localcontext() as context:
        context.prec = 60
        expected = [float(inverse(transform, Decimal(v))) for v in at.tolist()]
    assert in_units(made(transform), at) == pytest.approx(expected, rel=1e-15, abs=0.0)


def test_a_small_prediction_of_log1p_keeps_its_digits():
    how = made("log1p", "smearing", factor=1.0 + 2.0**-40, rows=5)
    with localcontext() as context:
        context.prec = 60
        expected = Decimal("1e-13").exp() * (1 + Decimal(2) ** -40) - 1
    assert in_units(how, np.array([1e-13]))[0] == pytest.approx(float(expected), rel=1e-14)


@pytest.mark.parametrize("by", [{}, {"square": 0.25}, {"mean": 0.1, "square": 0.25}])
def test_a_square_root_below_zero_counts_as_zero(by):
    predicted = in_units(made("sqrt", **by), np.array([-5.0, -1e-9, 0.0, 0.5, 1.0]))
    assert predicted[0] == predicted[1] == predicted[2] == by.get("square", 0.0)
    assert (np.diff(predicted) >= 0).all()


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_limits_are_transformed_one_by_one_and_not_corrected(transform):
    by = {"square": 0.5} if transform == "sqrt" else {"factor": 1.5}
    predicted, half = np.array([0.5, 2.0, 3.0]), np.array([1.0, 0.5, 0.25])
    found = in_units(made(transform, "normal", **by), predicted, half)
    assert np.array_equal(found[:, 0], in_units(made(transform, "normal", **by), predicted))
    assert np.array_equal(found[:, 1], in_units(made(transform), predicted - half))
    assert np.array_equal(found[:, 2], in_units(made(transform), predicted + half))
    assert (found[:, 1] < found[:, 2]).all()
    if transform == "sqrt":
        assert found[0, 1] == 0.0


def test_other_targets_are_not_changed():
    predicted, half = np.array([1.0, np.nan]), np.array([0.5, 0.5])
    assert np.array_equal(in_units(None, predicted), predicted, equal_nan=True)
    assert in_units(None, predicted, half)[0].tolist() == [1.0, 0.5, 1.5]


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("rows", range(1, 70, 4))
def test_a_row_has_the_same_bits_alone_and_in_any_block(transform, rows):
    predicted = np.random.default_rng(rows).normal(size=rows) * 3.0
    how = made(transform, "smearing", rows=9, **({"square": 0.3} if transform == "sqrt" else {"factor": 1.25}))
    alone = [in_units(how, predicted[i : i + 1], np.ones(1))[0] for i in range(rows)]
    assert np.array_equal(in_units(how, predicted, np.ones(rows)), alone)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_r2_in_units_is_that_of_the_predictions(transform):
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(1)
    actual = rng.uniform(0.0, 3.0, 40)
    predicted, a = actual + 0.3 * rng.normal(size=40), rng.uniform(0.5, 2.0, 40)
    how = made(transform)
    expected = r2_score(in_units(how, actual), in_units(how, predicted), sample_weight=a)
    assert r2_original(how, Sampled(predicted, actual, a * 1e200, NO_COLUMNS)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("actual", [[2.0, 2.0], [800.0, 1.0], [-800.0, -800.0]])
def test_r2_of_equal_or_infinite_values_is_not_known(actual):
    assert r2_original(made("log"), Sampled(np.ones(2), np.array(actual), np.ones(2), NO_COLUMNS)) is None


def test_only_a_function_of_one_column_is_transformed_back():
    y = Named("a b")
    assert [transform_of(Call(name, (y,))) for name in TRANSFORMS] == [(name, "a b") for name in TRANSFORMS]
    twice = Operation("*", Literal(2, "2"), y)
    for other in (y, Call("exp", (y,)), Call("log", (twice,)), Call("log", (Call("log", (y,)),)), twice):
        assert transform_of(other) is None


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (made("log", "smearing", factor=1.01234, rows=1234), "smearing factor 1.0123 from 1,234 residuals"),
        (made("log2", "smearing", factor=1.01234, rows=1), "smearing factor 1.0123 from 1 residual"),
        (made("log1p", "normal", factor=1.5), "factor of 1 + y 1.5 for normal errors"),
        (made("sqrt", "smearing", square=0.25, rows=20), "the mean square of 20 residuals (smearing), 0.25, is added"),
        (made("sqrt", "normal", square=0.25), "the residual variance, 0.25, is added"),
        (made("log10"), "not corrected, so they are medians if errors are symmetric"),
    ],
)
def test_units_and_correction_are_stated(how, text):
    assert sentence(how) == f"Predictions are in units of y: {text}."
