"""Expressions of formulas: what they compute, that a row has the same bits in any block, and what is refused."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.design.formula.evaluate import evaluate
from regress.design.formula.expression import Call, Literal, Named, Negative, Operation
from regress.design.formula.functions import FUNCTIONS, calls_that_learn, check, kind, labels, levels, needs, width
from regress.errors import InputError
from tests.design.formula.expressions import Columns, X, call, computed, learned, literal
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

getcontext().prec = 50


def ln(value):
    return Decimal(value).ln()


EXACT = {
    "log": lambda v: ln(v),
    "log2": lambda v: ln(v) / ln(2),
    "log10": lambda v: Decimal(v).log10(),
    "log1p": lambda v: (1 + Decimal(v)).ln(),
    "exp": lambda v: Decimal(v).exp(),
    "sqrt": lambda v: Decimal(v).sqrt(),
    "abs": lambda v: abs(Decimal(v)),
    "sign": lambda v: Decimal(1).copy_sign(Decimal(v)),
}


@pytest.mark.parametrize("name", EXACT)
def test_an_elementary_function_agrees_with_decimal_arithmetic(name):
    x = np.random.default_rng(1).uniform(1e-3, 30, 300)
    for value, result in zip(x.tolist(), computed(call(name), x).tolist(), strict=True):
        exact = EXACT[name](value)
        assert abs(Decimal(result) - exact) <= Decimal(4 * math.ulp(result))


def test_arithmetic_and_comparisons_follow_python():
    x, y = np.array([1.5, -2.0, 7.0]), np.array([2.0, -2.0, 0.5])
    values = Columns(x=x, y=y)
    for operator in ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="):
        expected = [float(eval(f"a {operator} b")) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        assert evaluate(Operation(operator, X, Named("y")), values, {}).tolist() == expected
    assert evaluate(Negative(Operation("**", X, literal(2))), values, {}).tolist() == [-2.25, -4.0, -49.0]
    assert evaluate(Operation("**", literal(2), Named("y")), values, {}) == pytest.approx([4.0, 0.25, math.sqrt(2)])


def test_squares_are_rounded_correctly():
    x = np.random.default_rng(2).normal(size=2000)
    assert np.array_equal(computed(Operation("**", X, literal(2)), x), x * x)


@pytest.mark.parametrize(
    ("expression", "x"),
    [
        (call("log"), 0.0),
        (call("log"), -1.0),
        (call("log1p"), -1.0),
        (call("exp"), 1e4),
        (call("sqrt"), -1.0),
        (Operation("/", literal(1), X), 0.0),
        (Operation("**", X, literal(-1)), 0.0),
        (Operation("**", X, literal(0.5)), -2.0),
        (Operation("**", X, literal(0)), math.nan),
        (Operation("**", literal(1), X), math.nan),
        (Operation("*", X, literal(1e300)), 1e300),
        (Operation("<", Operation("/", literal(1), X), literal(3)), 0.0),
        (Operation("!=", X, literal(3)), math.nan),
        (Call("exp", (Negative(Operation("/", literal(1), X)),)), 0.0),
        (call("abs"), math.inf),
        (X, -math.inf),
    ],
    ids=str,
)
def test_what_is_infinite_or_undefined_is_missing(expression, x):
    result = computed(expression, np.array([1.0, x]))
    assert np.isfinite(result[0])
    assert math.isnan(result[1])
    assert result[1:].tobytes() == np.array([math.nan]).tobytes()


def test_text_is_compared_and_missing_cells_are_found():
    values = Columns(zone=["north", None, "south"], x=[1.0, math.nan, 3.0])
    north = Operation("==", Named("zone"), literal("north"))
    check(north)
    assert evaluate(north, values, {}).tolist() == pytest.approx([1.0, math.nan, 0.0], nan_ok=True)
    other = Operation("!=", literal("north"), Named("zone"))
    assert evaluate(other, values, {}).tolist() == pytest.approx([0.0, math.nan, 1.0], nan_ok=True)
    assert evaluate(Call("missing", (Named("zone"),)), values, {}).tolist() == [0.0, 1.0, 0.0]
    assert evaluate(Call("missing", (Call("log", (X,)),)), values, {}).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("breaks", "right", "names", "codes"),
    [
        ([0, 1, 5], True, ("(0,1]", "(1,5]"), [None, 0, 0, 1, 1, None]),
        ([0, 1, 5], False, ("[0,1)", "[1,5)"), [0, 0, 1, 1, None, None]),
        ([0.25, 12345, 1e6], True, ("(0.25,1.23e+04]", "(1.23e+04,1e+06]"), [None, 0, 0, 0, 0, 0]),
        ([1234, 1235, 1236], True, ("(1234,1235]", "(1235,1236]"), [None] * 6),  # as R: cut(1235, 1234:1236)
        ([1, 1 + 1e-15], True, ("(1,1.000000000000001]",), [None] * 6),
    ],
)
def test_cut_has_the_levels_of_r(breaks, right, names, codes):
    expression = call("cut", breaks, right=right)
    assert levels(expression) == names
    assert (kind(expression), width(expression), labels(expression)) == ("text", 1, ("",))
    result = computed(expression, np.array([0.0, 0.5, 1.0, 2.0, 5.0, 7.0, math.nan]))
    assert [None if math.isnan(code) else code for code in result.tolist()] == [*codes, None]


def test_columns_have_suffixes():
    assert labels(call("log")) == labels(Operation("+", X, X)) == ("",)
    assert labels(call("poly", 2)) == ("[1]", "[2]")
    assert labels(call("fourier", 7, 2)) == ("[sin1]", "[cos1]", "[sin2]", "[cos2]")
    assert labels(call("bs", df=4, degree=2)) == ("[1]", "[2]", "[3]", "[4]")
    assert width(call("bs")) == 3
    assert width(call("bs", knots=[1, 2], degree=1, intercept=True)) == 4
    assert width(call("ns", knots=[1, 2])) == 3
    assert width(call("ns", df=1)) == 1


def test_some_calls_must_see_the_table():
    assert needs(call("center"))
    assert needs(call("poly", 2, orthogonal=True))
    assert not needs(call("poly", 2))
    assert needs(call("bs", knots=[1, 2]))
    assert not needs(call("bs", knots=[1, 2], lower=0, upper=3))
    assert not needs(call("bs", df=3, lower=0, upper=3))  # no knots between
    assert needs(call("ns", df=3, lower=0, upper=3))
    parts = Operation("*", Negative(call("center")), Call("log", (call("scale"),)))
    assert list(map(str, calls_that_learn(parts))) == ["center(x)", "scale(x)"]
    assert not needs(parts)


LAYOUTS = {
    "at an odd offset": lambda x: np.concatenate([[0.0], x])[1:],
    "not aligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), dtype="u1")[1:].view(np.float64),
    "every third": lambda x: np.repeat(x, 3)[::3],
    "in a table of rows": lambda x: np.column_stack([x] * 7)[:, 3],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "the other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
}
EVERY = [
    *(call(name) for name, function in FUNCTIONS.items() if not function.parameters),
    *(Operation(operator, X, literal(1.7)) for operator in ("+", "/", "**", "<")),
    Operation("**", literal(1.7), X),
    Operation("**", X, literal(2)),
    Operation("**", X, Call("log", (X,))),
    call("cut", [0.5, 1, 30]),
    call("poly", 4, orthogonal=True),
    call("fourier", 7, 3),
    call("bs", df=7),
    call("ns", df=5),
    call("ns", df=5, lower=1, upper=20),
]


@pytest.mark.parametrize("expression", EVERY, ids=str)
def test_a_row_has_the_same_bits_in_any_block_and_memory(expression):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(0.1, 40, 900), 10 ** rng.uniform(-9, 2, 100)])
    found = learned(expression, x)
    result = np.atleast_2d(evaluate(expression, Columns(x=x), found))

    def same(rows, part):
        computed = np.atleast_2d(evaluate(expression, Columns(x=part), found))[:, : len(x)]
        assert computed.tobytes() == result[:, rows].tobytes()

    for layout in LAYOUTS.values():
        same(slice(None), layout(x))
    same(slice(None), np.append(x, np.nan))
    for size in (1, 2, 3, 5, 8, 13):
        for start in range(0, len(x) if size < 3 else 120, size):
            same(slice(start, start + size), x[start : start + size])


def test_the_layouts_are_what_they_are_called():
    x = np.arange(5.0)
    made = {name: layout(x) for name, layout in LAYOUTS.items()}
    assert all(np.array_equal(part, x) for part in made.values())
    assert not made["not aligned"].flags.aligned
    assert made["backwards"].strides == (-8,)
    assert made["every third"].strides == (24,)


REFUSED = [
    (Call("lgo", (X,)), "There is no function 'lgo'. Use log."),
    (Call("frobnicate", (X,)), "There is no function 'frobnicate'."),
    (Call("lag", (X,)), "lag() cannot be used here. It reads other rows. Compute the column in the table."),
    (Call("C", (X,)), "C() cannot be used here. Categories can be a term, alone or in a product a:b."),
    (Call("log", ()), "log() needs a column, as in log(x)."),
    (call("log", 2), "log() takes 1 argument; log(x, 2) has 2."),
    (call("log", base=2), "log() has no option 'base'."),
    (call("bs", knot=[1]), "bs() has no option 'knot'. Use knots."),
    (call("cut", [1, 2], yes=1), "cut() has no option 'yes'. It has breaks, right."),
    (call("poly", 2, degree=2), "poly(x, 2, degree=2) gives degree twice."),
    (call("poly"), "poly(x) needs degree, an integer from 1 to 20."),
    (call("poly", 0), "degree of poly(x, 0) must be an integer from 1 to 20; got 0."),
    (call("poly", True), "degree of poly(x, True) must be an integer from 1 to 20; got True."),
    (call("poly", 2, orthogonal=1), "orthogonal of poly(x, 2, orthogonal=1) must be True or False; got 1."),
    (call("fourier", 0, 1), "period of fourier(x, 0, 1) must be a number above 0; got 0."),
    (
        call("cut", [2, 1]),
        "breaks of cut(x, [2, 1]) must be a list of 2 or more ascending numbers, such as [10, 20]; got [2, 1].",
    ),
    (
        Call("cut", (X, Named("y"))),
        "breaks of cut(x, y) must be a list of 2 or more ascending numbers, such as [10, 20]; got y.",
    ),
    (call("bs", 4, knots=[1]), "bs(x, 4, knots=[1]) is not possible: give df or knots, not both."),
    (call("bs", 2), "bs(x, 2) is not possible: df must be at least 3."),
    (
        call("ns", lower=3, upper=1),
        "ns(x, lower=3, upper=1) is not possible: its boundaries, 3 and 1, do not ascend.",
    ),
    (
        call("bs", knots=[1, 9], lower=0, upper=5),
        "bs(x, knots=[1, 9], lower=0, upper=5) is not possible: its knots must lie between 0 and 5.",
    ),
    (
        call("bs", knots=[1, 1], degree=1, lower=0, upper=5),
        "bs(x, knots=[1, 1], degree=1, lower=0, upper=5) is not possible: a knot may be repeated 1 times at most.",
    ),
    (
        Operation("+", call("bs"), X),
        "bs(x) gives numbered columns, so it cannot be a part of bs(x) + x.",
    ),
    (Call("log", (call("cut", [1, 2]),)), "cut(x, [1, 2]) has levels, so it cannot be a part of log(cut(x, [1, 2]))."),
    (
        Call("scale", (Call("log", (call("center"),)),)),
        "center(x) cannot be a part of scale(log(center(x))). Write scale() of the column itself.",
    ),
    (Call("log", (literal(2),)), "log(2) reads no column."),
    (Operation("+", X, Call("center", (literal(2),))), "center(2) reads no column."),
    (
        Operation("<", X, literal("a")),
        "'a' is not a number. A text can be compared with a column, by == or !=.",
    ),
    (
        Operation("+", X, literal([1])),
        "[1] is not a number. A text can be compared with a column, by == or !=.",
    ),
    (Operation("+", X, Literal(10**400, "1e400")), "1e400 is not a number of float64."),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED, ids=[str(e)[:40] for e, _ in REFUSED])
def test_what_cannot_be_computed_is_refused(expression, message):
    with pytest.raises(InputError) as caught:
        check(expression)
    assert str(caught.value) == message


def test_a_negative_number_may_stand_as_an_operation():
    breaks = Literal((Negative(literal(1)), literal(0.5)))
    assert levels(Call("cut", (X, breaks))) == ("(-1,0.5]",)


@QUICK
@given(st.lists(st.floats(allow_subnormal=True), min_size=1, max_size=20))
def test_no_expression_gives_an_infinity_or_a_warning(values):
    x = np.array(values)
    for expression in EVERY:
        if not list(calls_that_learn(expression)):
            assert not np.isinf(computed(expression, x)).any()


@pytest.mark.parametrize("expression", EVERY, ids=str)
def test_no_rows_give_no_rows(expression):
    found = learned(expression, np.arange(1.0, 20))
    assert np.atleast_2d(evaluate(expression, Columns(x=np.empty(0)), found)).shape == (width(expression), 0)


@pytest.mark.parametrize("expression", [literal("north"), call("poly", 2)], ids=str)
def test_what_others_must_compute_is_an_error_of_the_program(expression):
    with pytest.raises(ValueError, match=r"not a number|exact products") as caught:
        evaluate(expression, Columns(x=np.ones(2)), {})
    assert not isinstance(caught.value, InputError)
