"""Formulas among the arguments of a verb."""

from collections.abc import Mapping
from typing import Any

from regress.errors import InputError
from regress.messages import setting


def with_formula(target: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return target and options of a verb whose target may be a formula, such as "y ~ x", or its option `formula`.

    The target is then the left side of the formula, and there is no intercept where the formula has none.

    Raises
    ------
    InputError
        If there are two formulas or targets, or a formula cannot be read.
    """
    given = dict(options)
    if isinstance(target, str) and "~" in target:
        if given.get("formula") is not None:
            raise InputError(f"The target {target!r} is a formula, and {setting('formula')} is another. Pass one.")
        target, given["formula"] = None, target
    if not isinstance(given.get("formula"), str):
        return target, given
    from regress.design.formula.parser import parse_formula

    formula = parse_formula(given["formula"])
    left = None if formula.target is None else column_name(formula.target)
    if left is not None and target is not None and not (isinstance(target, str) and target == left):
        raise InputError(f"The formula predicts {left!r}, and {setting('target')} is another. Pass one of them.")
    if not formula.intercept:
        given["fit_intercept"] = False
    return left or target, given


def column_name(expression: Any) -> str:
    """Return the column that an expression is, or what it is called where it is computed."""
    from regress.design.formula.expression import Named

    return expression.name if isinstance(expression, Named) else str(expression)
