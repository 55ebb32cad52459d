"""Files of models whose terms are products of very many levels."""

from dataclasses import replace

import pytest

from regress.design.plain import PlainDesign, PlainPart, PlainTerm, PlainVariable, design_of
from regress.design.variables import Coding


def _product(factors: int, levels: int, coding: Coding = "treatment") -> PlainDesign:
    names = [f"v{i}" for i in range(factors)]
    of_levels = tuple(map(str, range(levels)))
    variables = (
        PlainVariable(name=name, kind="text", levels=of_levels, order=None, all_levels=False, coding=coding)
        for name in names
    )
    parts = tuple(PlainPart(name=name, powers=None, all_levels=False) for name in names)
    return PlainDesign(
        formula="y ~ v",
        variables=tuple(variables),
        terms=(PlainTerm(label="v", parts=parts),),
        computed=(),
        training_means={},
    )


def test_no_columns_are_made_beyond_the_coefficients() -> None:
    assert len(design_of(_product(3, 4), True, 27).names) == 27
    with pytest.raises(ValueError, match="more columns than 'w' has coefficients"):
        design_of(_product(3, 4), True, 26)
    with pytest.raises(ValueError, match="more columns than 'w' has coefficients"):
        design_of(_product(10, 1000), True, 27)


def test_a_term_has_no_more_factors_than_a_formula_can_write() -> None:
    assert len(design_of(_product(10, 2, "sum"), True, 1).names) == 1
    with pytest.raises(ValueError, match="too many factors"):  # one column, the sum of 2^60 products
        design_of(_product(60, 2, "sum"), True, 1)
    empty = replace(_product(1, 2), terms=(PlainTerm(label="v", parts=()),))
    with pytest.raises(ValueError, match="an empty term"):
        design_of(empty, True, 1)
