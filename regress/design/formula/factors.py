"""One factor of a formula, such as `poly(age, 3)` or `I(x ** 2)`, read from text. Everything else is refused."""

import re
from collections.abc import Callable
from math import isfinite

from regress.design.formula.expression import (
    BINDING,
    COMPARISONS,
    CONSTANTS,
    SIGN,
    Call,
    Expression,
    Literal,
    Named,
    Negative,
    Operation,
    parts_of,
    without_inner_i,
)
from regress.design.formula.tokens import Token, Tokens, shown

MAX_LEVELS = 100  # of operations on the results of others: copying and comparing expressions takes a call a level
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)
_ESCAPED = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


def parse_expression(text: str) -> Expression:
    """Read one factor or expression. Nothing is executed, so that the text may come from a file that is not trusted.

    Raises
    ------
    InputError
        If it is anything else than a column, a literal, arithmetic, a comparison or the call of a function.

    Examples
    --------
    >>> parse_expression("log(price + 1)")
    Call(function='log', arguments=(Operation(operator='+', left=Named(name='price'), right=Literal(value=1, \
text='1')),), options=())
    >>> str(parse_expression("I( x^2 )"))
    'I(x ** 2)'
    """
    tokens = Tokens(text)
    expression = _bounded(tokens, _expression)
    if tokens.next.kind != "end":
        tokens.unexpected("the end")
    return expression


def read_factor(tokens: Tokens) -> Expression:
    """Read a column or the call of a function at the next token of a formula."""
    token = tokens.next
    if token.kind not in ("name", "quoted") or (token.kind == "name" and token.text in CONSTANTS):
        tokens.unexpected("a column, a function or parentheses")
    return _bounded(tokens, _primary)


def _bounded(tokens: Tokens, read: Callable[[Tokens], Expression]) -> Expression:
    """Read an expression, or refuse it where others could not go through it without filling Python's stack."""
    first = tokens.next
    expression = read(tokens)
    levels, level = 0, [expression]
    while level:
        levels, level = levels + 1, [part for each in level for part in parts_of(each)]
    if levels > MAX_LEVELS:
        tokens.fail(f"has more than {MAX_LEVELS} operations in a row", first, "Compute a part of them in the table.")
    return without_inner_i(expression)


def _expression(tokens: Tokens, least: int = 0) -> Expression:
    """Read an expression up to an operator that binds less than `least`: a + b * c is a + (b * c)."""
    if tokens.took("-"):
        with tokens.nested():
            left = _negative(_expression(tokens, SIGN))
    else:
        left = _primary(tokens)
    while (operator := _operator(tokens.next)) and BINDING[operator] >= least:
        tokens.take()
        if operator == "**":  # a ** b ** c is a ** (b ** c)
            with tokens.nested():
                right = _expression(tokens, SIGN)
        else:
            right = _expression(tokens, BINDING[operator] + 1)
        left = Operation(operator, left, right)
        if operator in COMPARISONS:
            least = BINDING[operator] + 1  # a < b < c is refused
    return left


def _operator(token: Token) -> str:
    operator = "**" if token.text == "^" else token.text
    return operator if token.kind == "mark" and operator in BINDING else ""


def _negative(operand: Expression) -> Expression:
    """Return an expression with the other sign; a number is kept as a literal with its sign."""
    match operand:
        case Literal(int() | float() as value, text) if text and text[0] != "-":
            return Literal(-value, f"-{text}")
    return Negative(operand)


def _primary(tokens: Tokens) -> Expression:
    """Read what stands between operators: a column, a literal, a call, or an expression in parentheses."""
    token = tokens.next
    if token.kind in ("number", "text"):
        return _literal(tokens)
    if token.kind == "name" and token.text in CONSTANTS:
        return Literal(CONSTANTS[tokens.take().text])
    if token.kind == "name" and tokens.after.is_mark("("):
        return _call(tokens)
    if token.kind in ("name", "quoted"):
        return Named(tokens.take().text)
    if token.is_mark("(", "["):
        return _enclosed(tokens)
    tokens.unexpected("a column, a number or a function")


def _literal(tokens: Tokens) -> Literal:
    token = tokens.take()
    if token.kind == "text":
        return Literal(_ESCAPE.sub(lambda found: _unescaped(found, token, tokens), token.text[1:-1]))
    value = float(token.text)
    if not isfinite(value):
        tokens.fail("has a number that float64 cannot hold", token, "Write a number below 1e308.")
    return Literal(int(token.text.lstrip("0") or "0") if token.text.isdecimal() else value, token.text)


def _unescaped(found: re.Match[str], token: Token, tokens: Tokens) -> str:
    digits = found[1] or found[2] or found[3]
    if digits and int(digits, 16) < 0x110000:
        return chr(int(digits, 16))
    if digits or found[4] not in _ESCAPED:
        tokens.fail(f"has {found[0]!r} in a text", token, "Write a backslash twice.")
    return _ESCAPED[found[4]]


def _enclosed(tokens: Tokens) -> Expression:
    """Read an expression in parentheses, or a list of literals: [1, 2] or (1, 2)."""
    opening = tokens.next
    closing = ")" if opening.text == "(" else "]"
    with tokens.nested():
        tokens.take()
        items: list[Expression] = []
        comma = opening.text == "["  # a list of one literal needs none
        while not tokens.next.is_mark(closing):
            items.append(_expression(tokens))
            if not tokens.took(","):
                break
            comma = True
        if not items and not comma:
            tokens.unexpected("a column, a number or a function")
        tokens.expect(closing)
    if not comma:
        return items[0]
    literals = tuple(item for item in items if isinstance(item, Literal))
    if len(literals) < len(items):
        tokens.fail("has a list", opening, "A list holds numbers, texts, True and False only.")
    return Literal(literals)


def _call(tokens: Tokens) -> Call:
    """Read the call of a function: expressions, then options whose values are literals."""
    function = tokens.take().text
    arguments: list[Expression] = []
    options: dict[str, Literal] = {}
    with tokens.nested():
        tokens.take()
        while not tokens.next.is_mark(")"):
            token = tokens.next
            if token.kind == "name" and tokens.after.is_mark("=") and function != "I":  # in I, a slip for ==
                if token.text in options:
                    tokens.fail(f"has the option {shown(token)} twice", token, "Write it once.")
                options[token.text] = _option(tokens)
            elif options:
                tokens.fail("has a value without a name", token, "Write the options after all other values.")
            else:
                arguments.append(_expression(tokens))
            if not tokens.took(","):
                break
        tokens.expect(")")
    return Call(function, tuple(arguments), tuple(options.items()))


def _option(tokens: Tokens) -> Literal:
    name, _ = tokens.take(), tokens.take()
    value = _expression(tokens)
    if not isinstance(value, Literal):
        remedy = "Its value must be a number, a text, True, False or a list of these."
        tokens.fail(f"has the option {shown(name)}", name, remedy)
    return value
