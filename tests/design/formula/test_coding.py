"""The coding of text columns: patsy's own, and the columns of X that it makes."""

from itertools import product

import numpy as np
import patsy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regress.design.formula.coding import codings
from tests.examples import examples

LEVELS = {"a": 2, "b": 3, "c": 2}
NUMBERS = ("x", "z")
ROWS = np.array(list(product(range(2), range(3), range(2))) * 9)
random = np.random.default_rng(17)
TABLE = {name: np.array([f"{name}{level}" for level in ROWS[:, j]]) for j, name in enumerate(LEVELS)}
TABLE |= {name: random.normal(size=len(ROWS)) for name in NUMBERS}

formulas = st.tuples(
    st.sampled_from(["", "0 + "]),
    st.recursive(
        st.sampled_from("abcxz"),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" + ", ":", "*", "/"]), inner).map("".join),
            st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} + {three[1]} + {three[2]})**2"),
        ).map("({})".format),
        max_leaves=7,
    ),
).map("".join)


def coded(text):
    """Return the terms that patsy reads, each with the parts that regress codes."""
    terms = [
        tuple(factor.name() for factor in term.factors) for term in patsy.ModelDesc.from_formula(text).rhs_termlist
    ]
    rest = [term for term in terms if term]
    split = [(frozenset(t) & {*NUMBERS}, tuple(name for name in t if name in LEVELS)) for t in rest]
    found = dict(zip(rest, codings(split, () in terms), strict=True))
    return {(): [()]} | found if () in terms else found


def matrix(parts_of_terms):
    """Return the columns of X, made by hand."""
    columns = []
    for term, parts in parts_of_terms.items():
        numbers = np.prod([TABLE[name] for name in term if name in NUMBERS], axis=0)
        for part in parts:
            levels = [range(0 if all_levels else 1, LEVELS[name]) for name, all_levels in part]
            for chosen in product(*levels):
                here = [TABLE[name] == f"{name}{level}" for (name, _), level in zip(part, chosen, strict=True)]
                columns.append(numbers * np.prod(here, axis=0) * np.ones(len(ROWS)))
    return np.stack(columns, axis=1)


@given(formulas)
@example("a:b")
@example("0 + a:b + c")
@example("x:a + x + b:x:a")
@example("(a + b + c)**2 + x/(a*b*c)")
@settings(max_examples=examples(300), deadline=None)
def test_terms_are_coded_as_patsy_codes_them(text):
    found = coded(text)
    theirs = patsy.dmatrix(text, TABLE)
    expected = {
        tuple(factor.name() for factor in term.factors): [
            tuple(
                (factor.name(), part.contrast_matrices[factor].matrix.shape[1] == LEVELS[factor.name()])
                for factor in part.factors
                if factor in part.contrast_matrices
            )
            for part in parts
        ]
        for term, parts in theirs.design_info.term_codings.items()
    }
    assert found == expected
    ours = matrix(found)
    rank = np.linalg.matrix_rank(ours)
    assert ours.shape == theirs.shape
    assert rank == ours.shape[1] == np.linalg.matrix_rank(np.hstack([ours, theirs]))


NONE, X = frozenset(), frozenset("x")


@pytest.mark.parametrize(
    ("terms", "intercept", "expected"),
    [
        ([(NONE, ("a",))], True, [[(("a", False),)]]),
        ([(NONE, ("a",)), (NONE, ("b",))], False, [[(("a", True),)], [(("b", False),)]]),
        ([(X, ()), (X, ("a",))], True, [[()], [(("a", False),)]]),
        ([(X, ("a",))], True, [[(("a", True),)]]),
        ([(X, ("a",)), (X, ())], True, [[(("a", False),)], [()]]),  # x is coded first, whatever the order
        ([(NONE, ("a",)), (NONE, ("a",))], True, [[(("a", False),)], []]),  # covered by the first
        ([(NONE, ("a", "b"))], False, [[(("a", True), ("b", True))]]),
        ([], True, []),
    ],
)
def test_small_models(terms, intercept, expected):
    assert codings(terms, intercept) == expected


def test_a_product_of_ten_text_columns_is_coded():
    assert codings([(NONE, tuple("abcdefghij"))], False) == [[tuple((name, True) for name in "abcdefghij")]]
