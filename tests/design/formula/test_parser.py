"""Formulas: the terms that formulaic finds, the arithmetic that Python reads, and refusals of everything else."""

import ast
import pickle
import re

import formulaic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from patsy import ModelDesc

from regress.design.formula.expression import Call, Literal, Named, Negative, Operation, names_in
from regress.design.formula.factors import parse_expression
from regress.design.formula.parser import Formula, parse_formula
from regress.errors import InputError
from tests.examples import examples


def terms_of(text, others=()):
    """Return the terms of a formula as text."""
    return [":".join(map(str, term)) for term in parse_formula(text).terms(others)]


def outcome(read, text):
    """Return what is read, or None, and the message of a refusal."""
    try:
        return read(text), ""
    except InputError as refusal:
        return None, str(refusal)


# Random formulas: sums may stand in parentheses, and 0 and 1 stand outside.

names = st.sampled_from(["a", "b", "c", "d", "log(a)", "poly(b, 2)", "`my name`"])


def combined(inner):
    in_parentheses = inner.map("({})".format)
    joined = st.tuples(st.one_of(inner, in_parentheses), st.sampled_from("+-*/:"), st.one_of(inner, in_parentheses))
    return st.one_of(
        joined.map(" ".join),
        st.tuples(in_parentheses, st.sampled_from(["^1", "^2", " ** 2"])).map("".join),
        inner.map("-{}".format),
    )


right_sides = st.tuples(
    st.sampled_from(["", "", "0 + ", "1 + ", "-1 + ", "+"]),
    st.recursive(names, combined, max_leaves=7).filter(lambda text: not re.search(r"[*/:] *-", text)),
    st.sampled_from(["", "", " + 0", " - 1", "- -1", " - 0", "+1"]),
).map("".join)


@given(right_sides)
@example("(a+b)/c")
@example("a*b*c - a:b:c")
@example("b:a + a:b + c^2")
@example("a/b/c + (a + b + c)^2")
@settings(max_examples=examples(300), deadline=None)
def test_the_terms_are_those_of_formulaic(text):
    try:
        expected = formulaic.Formula(f"y ~ {text}").rhs
    except TypeError:  # formulaic has no product of no terms, as in (a - a)/b
        return
    found, refusal = outcome(parse_formula, f"y ~ {text}")
    if refusal:
        assert re.search("removes a term|ends without a term", refusal)
        return
    expected = [[factor.expr for factor in term.factors] for term in expected]
    assert [[str(factor).strip("`") for factor in term] for term in found.terms([])] == [
        term for term in expected if term != ["1"]
    ]
    assert found.intercept == (["1"] in expected)


@given(st.lists(st.tuples(st.sampled_from("+-"), st.sampled_from("ab01")), min_size=1, max_size=6), st.booleans())
@settings(max_examples=examples(200), deadline=None)
def test_the_intercept_is_that_of_patsy(summands, signed):
    text = "y ~ a + b" + "".join(f" {sign} {term}" for sign, term in summands)
    text = text.replace("~ a", "~ +a") if signed else text
    found, refusal = outcome(parse_formula, text)
    if refusal:
        assert re.search("removes a term|ends without a term", refusal)
        return
    expected = [term.name() for term in ModelDesc.from_formula(text).rhs_termlist]
    assert ["Intercept"] * found.intercept + terms_of(text) == sorted(expected, key=lambda name: name != "Intercept")


@given(st.text("ab+-", min_size=1, max_size=8))
@settings(max_examples=examples(300), deadline=None)
def test_signs_in_front_of_signs_are_multiplied(text):
    found, refusal = outcome(terms_of, f"~{text}")
    if not refusal:
        assert found == [str(term) for term in formulaic.Formula(text) if term != "1"]


def test_a_formula_keeps_its_parts():
    formula = parse_formula("log(price) ~ area * C(zone, ref='north')\n + poly(age, 3) - 1")
    assert formula == pickle.loads(pickle.dumps(formula))
    assert (str(formula.target), formula.intercept, formula.dot) == ("log(price)", False, False)
    assert formula.terms([])[1] == (Call("C", (Named("zone"),), (("ref", Literal("north")),)),)
    assert parse_formula("~ a").target is None
    assert parse_formula("a + b").target is None
    assert parse_formula("`y 1` ~ größe + कीमत").terms([]) == ((Named("größe"),), (Named("कीमत"),))
    assert parse_formula("y ~ 1") == Formula("y ~ 1", Named("y"), intercept=True, dot=False)
    assert terms_of("y ~ I(x**2) + I(x ^ 2)") == ["I(x ** 2)"]
    assert [list(names_in(factor)) for (factor,) in parse_formula("y ~ log(a + I(b*a)) + `c d`").terms([])] == [
        ["a", "b", "a"],
        ["c d"],
    ]


def test_a_dot_stands_for_the_other_columns():
    assert parse_formula("y ~ .").dot
    assert terms_of("y ~ .", ["a", "b c"]) == ["a", "`b c`"]
    assert terms_of("y ~ a + .", ["b", "a"]) == ["a", "b"]
    assert terms_of("y ~ . - b", ["a", "b", "c"]) == ["a", "c"]
    assert terms_of("y ~ (.)^2", ["a", "b", "c"]) == ["a", "b", "c", "a:b", "a:c", "b:c"]
    assert terms_of("y ~ .:z + log(a)", ["a", "b"]) == ["log(a)", "a:z", "b:z"]
    assert terms_of("y ~ .", []) == []
    assert len(terms_of("y ~ .", [f"x{i}" for i in range(5000)])) == 5000
    with pytest.raises(InputError, match="removes a term that is not there at character 7"):
        terms_of("y ~ . - lenght", ["length"])
    with pytest.raises(InputError, match=r"products of the formula are too many"):
        terms_of("y ~ .^2", [f"x{i}" for i in range(50)])


# Expressions against Python's own parser.

letters = st.sampled_from(["x", "y", "2", "1.5", "'t'", "True", "f(x)"])
python = st.recursive(
    letters,
    lambda inner: st.one_of(
        st.tuples(
            st.one_of(inner, inner.map("({})".format)),
            st.sampled_from(["+", "-", "*", "/", "**", "<", "<=", "==", "!="]),
            st.one_of(inner, inner.map("({})".format)),
        ).map(" ".join),
        inner.map("-{}".format),
        inner.map("f({}, n=[1, -2, 'a'])".format),
    ),
    max_leaves=8,
)


def from_python(node):
    """Return an expression from Python's tree, or None if it is not one of ours."""
    match node:
        case ast.Name(name):
            return Named(name)
        case ast.Constant(bool() | str() as value):
            return Literal(value)
        case ast.Constant(value):
            return Literal(value, str(value))
        case ast.List(items):
            return Literal(tuple(map(from_python, items)))
        case ast.UnaryOp(ast.USub(), operand):
            inner = from_python(operand)
            if isinstance(inner, Literal) and inner.text and inner.text[0] != "-":
                return Literal(-inner.value, f"-{inner.text}")
            return Negative(inner)
        case ast.BinOp(left, operator, right) | ast.Compare(left, [operator], [right]):
            signs = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "Pow": "**"}
            signs |= {"Lt": "<", "LtE": "<=", "Eq": "==", "NotEq": "!="}
            return Operation(signs[type(operator).__name__], from_python(left), from_python(right))
        case ast.Call(ast.Name(function), arguments, options):
            given = tuple((option.arg, from_python(option.value)) for option in options)
            return Call(function, tuple(map(from_python, arguments)), given)
    raise LookupError(node)  # a chain of comparisons


@given(python)
@example("-x ** -y ** 2 * -3")
@example("(-1) ** 2 - -(-1)")
@settings(max_examples=examples(300), deadline=None)
def test_expressions_are_read_as_python_reads_them(text):
    try:
        expected = from_python(ast.parse(text, mode="eval").body)
    except LookupError:
        with pytest.raises(InputError, match="one at a time"):
            parse_expression(text)
        return
    found = parse_expression(text)
    assert found == expected
    assert parse_expression(str(found)) == found
    assert ast.dump(ast.parse(str(found))) == ast.dump(ast.parse(text))  # no parentheses are missing
    assert str(found).count("(") <= text.count("(")  # and none are too many


any_text = st.text(st.characters(), max_size=12)  # with surrogates, quotes, backquotes and control characters
numbers = st.one_of(st.integers(0, 10**6), st.floats(0, allow_infinity=False, allow_nan=False)).map(
    lambda number: Literal(number, repr(number))
)
literals = st.recursive(
    st.one_of(any_text.map(Literal), st.booleans().map(Literal), numbers),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: Literal(tuple(items))),
    max_leaves=4,
)
identifiers = any_text.filter(str.isidentifier) | st.sampled_from(["f", "C", "None", "lambda"])
callable_names = identifiers.filter(lambda name: name not in ("True", "False", "I"))
expressions = st.recursive(
    st.one_of(any_text.map(Named), st.sampled_from(["x", "True", "I", "a.b", "2nd", "`"]).map(Named), literals),
    lambda inner: st.one_of(
        st.builds(Operation, st.sampled_from(["+", "-", "*", "/", "**", "<", ">=", "=="]), inner, inner),
        inner.filter(lambda e: not (isinstance(e, Literal) and e.text)).map(Negative),
        st.builds(
            Call,
            callable_names,
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(callable_names, literals, max_size=2).map(lambda options: tuple(options.items())),
        ),
    ),
    max_leaves=10,
)


@given(expressions)
@settings(max_examples=examples(300), deadline=None)
def test_an_expression_as_text_reads_as_the_same_expression(expression):
    assert parse_expression(str(expression)) == expression


@pytest.mark.parametrize("text", ["+".join("x" * 100), "f(" * 50 + "x" + ")" * 50, "-" * 50 + "x", "**".join("x" * 51)])
def test_the_deepest_expressions_can_be_copied_and_written(text):
    deep = parse_expression(text)
    assert parse_expression(str(deep)) == deep == pickle.loads(pickle.dumps(deep))
    assert len({deep, parse_expression(text)}) == 1
    with pytest.raises(InputError, match=r"more than (50 nested levels|100 operations in a row)"):
        parse_expression(f"-{text}+x" if text[0] == "-" else f"f({text}**2)" if "**" not in text else f"{text}**x")


# Refusals.

SLIPS = [
    ("", "The formula is empty. Write a target and terms"),
    ("y ~ a + b)", "The formula has ')' without '(' at character 10: 'y ~ a + b)'. Remove it, or add the other one."),
    ("y ~ (a + b", "The formula ends at character 11: 'y ~ (a + b'. ')' is expected there."),
    ("y = a + b", "has '=' at character 3: 'y = a + b'. Write ~ between the target and the terms, and == to compare"),
    ("y ~ I(a = 3)", "has '=' at character 9: 'y ~ I(a = 3)'. Write ~ between the target and the terms, and =="),
    ("y ~ a == b", "Write a comparison inside I(…), and one at a time, such as I(age > 30)."),
    ("y ~ I(1 < a < 2)", "has '<' at character 13: 'y ~ I(1 < a < 2)'. Write a comparison inside I(…), and one"),
    ("y ~ a & b", "Write a:b for the product of two columns, and I((a > 1) * (b < 2)) for two conditions."),
    ("y ~ (1 | g)", "has '|' at character 8: 'y ~ (1 | g)'. Formulas have no random effects."),
    ("y ~ I(a | b)", "For either of two conditions, write I((a > 1) + (b < 2) > 0)."),
    ("y ~", "The formula ends at character 4: 'y ~'. A column, a function or parentheses is expected there."),
    ("y ~ a ~ b", "A formula has one ~, between the target and the terms."),
    (
        "y ~ np.log(x)",
        "has 'np.log' at character 5: 'y ~ np.log(x)'. Formulas have no modules and no attributes; write",
    ),
    ("y ~ x[0]", "Formulas have no indexes. Put a name that holds brackets in backquotes."),
    ("y ~ a %in% b", "Write a:b, or b/a for b + a:b."),
    ("y ~ (a + b)**2.5", "has ** at character 12: 'y ~ (a + b)**2.5'. Its power must be an integer from 1 to 10."),
    ("y ~ a^b", "has ^ at character 6: 'y ~ a^b'. Its power must be an integer from 1 to 10."),
    ("y ~ a^11", "Its power must be an integer from 1 to 10."),
    ("y ~ a^2^2", "has '^' at character 8: 'y ~ a^2^2'. One power is allowed"),
    ("y ~ `a b", "has ` at character 5: 'y ~ `a b'. This backquote is not closed."),
    ("y ~ C(z, ref='n)", "has ' at character 14: \"y ~ C(z, ref='n)\". This quote is not closed."),
    ("y ~ Sepal.Length", "has 'Sepal.Length' at character 5: 'y ~ Sepal.Length'. Put a name with such characters in"),
    ("y ~ a − b", "has '−' at character 7: 'y ~ a − b'. Put a name with such characters in backquotes."),
    ("y ~ 2nd", "Put a name with such characters in backquotes."),
    ("y ~ 2*a", "has the number '2' as a term at character 5: 'y ~ 2*a'. For a multiple of a column, write I(2 * a)."),
    ("y ~ a:1", "has 1 in a product or in parentheses at character 7: 'y ~ a:1'. Write 0, 1 and -1 outside"),
    ("y ~ (a - 1)", "Write 0, 1 and -1 outside parentheses, joined by + or -."),
    ("y ~ 0", "The formula ends without a term and without an intercept at character 6: 'y ~ 0'. Add a column."),
    (
        "y ~ 'a'",
        "has a text as a term at character 5: \"y ~ 'a'\". Write names of columns in backquotes, not in quotes.",
    ),
    ("y ~ a b", "has 'b' at character 7: 'y ~ a b'. An operator such as + is expected there. Put a name with blanks"),
    ("y ~ I(a > 1 and b < 2)", "has 'and' at character 13: 'y ~ I(a > 1 and b < 2)'. Write a:b for the product"),
    ("y ~ I(a == 'x' or b)", "For either of two conditions, write I((a > 1) + (b < 2) > 0)."),
    ("y ~ I(a in ['x'])", "For one of two levels, write I((a == 'red') + (a == 'blue'))."),
    ("y ~ df$x", "has '$' at character 7: 'y ~ df$x'. Write the name of the column alone."),
    ("y ~ a*b - a:c", "The formula removes a term that is not there at character 9: 'y ~ a*b - a:c'."),
    (
        "log(y)/2 ~ a",
        "has more than a column or a function before ~ at character 7: 'log(y)/2 ~ a'. Put arithmetic in I(…).",
    ),
    ("y ~ True", "has 'True' at character 5: 'y ~ True'. A column, a function or parentheses is expected there."),
    ("y ~ poly(a, degree=3, 2)", "has a value without a name at character 23"),
    (
        "y ~ poly(a, degree=b)",
        "has the option 'degree' at character 13: 'y ~ poly(a, degree=b)'. Its value must be a number",
    ),
    ("y ~ poly(a, n=1, n=2)", "has the option 'n' twice at character 18: 'y ~ poly(a, n=1, n=2)'. Write it once."),
    (
        "y ~ cut(a, (1, b))",
        "has a list at character 12: 'y ~ cut(a, (1, b))'. A list holds numbers, texts, True and False",
    ),
    (
        "y ~ I(1e999)",
        "has a number that float64 cannot hold at character 7: 'y ~ I(1e999)'. Write a number below 1e308.",
    ),
    (r"y ~ f('\d')", r"has '\\d' in a text at character 7"),
    ("y ~ f('\\U00110000')", "in a text at character 7"),
    ("y ~ a:b:c:d:e:f:g:h:i:j:k", "The formula has a product of more than 10 factors. Write fewer."),
    ("().__class__", "has '.__class__' at character 3: '().__class__'. Formulas have no modules and no attributes"),
    ("(lambda: x)()", "has '(' at character 12: '(lambda: x)()'. An operator such as + is expected there."),
    ("y ~ I(lambda x: x)", "has 'x' at character 14: 'y ~ I(lambda x: x)'. ')' is expected there."),
    ("y ~ f(x)(y)", "has '(' at character 9: 'y ~ f(x)(y)'. An operator such as + is expected there."),
    ('y ~ f"{x}"', "has '\"{x}\"' at character 6"),
    ("y ~ I(x := 3)", "has ':' at character 9"),
    ("y ~ I(x if z else y)", "has 'if' at character 9: 'y ~ I(x if z else y)'. ')' is expected there."),
    ("y ~ a; import os", "has ';' at character 6"),
    ("y ~ a \0", r"has '\x00' at character 7: 'y ~ a \x00'"),
    ("y ~ \ud800 + a", r"has '\ud800' at character 5: 'y ~ \ud800 + a'"),
    ("y ~ " + "x + " * 3000, "The formula has 12,004 characters; the maximum is 10,000."),
    ("(" * 100_000, "The formula has 100,000 characters; the maximum is 10,000."),
]


@pytest.mark.parametrize(("text", "message"), SLIPS, ids=[ascii(text[:20]) for text, _ in SLIPS])
def test_a_refusal_names_the_place_and_the_remedy(text, message):
    with pytest.raises(InputError) as refusal:
        parse_formula(text)
    assert message in str(refusal.value)
    assert all(len(sentence.split()) <= 25 for sentence in re.split(r"[.:] ", str(refusal.value)))


def test_a_formula_is_text():
    with pytest.raises(InputError, match="formula must be such as 'y ~ a \\+ b', a text; got 3"):
        parse_formula(3)


def test_long_formulas_show_the_place_only():
    text = " + ".join(f"column{i}" for i in range(300))
    with pytest.raises(InputError, match=r"at character 3488: '….{30}\) \+ c'\. Remove it") as refusal:
        parse_formula(f"{text}) + c")
    assert len(str(refusal.value)) < 200


good = st.sampled_from(
    [
        "log(price) ~ area * C(zone, ref='north') + poly(age, 3) + month(sold) - 1",
        "y ~ (a + b + `c d`)^2 - a:b + I(-x**2 / 3e-5 >= 1)",
        "~ . + cut(x, [1, -2.5, 3], labels=(\"a\", 'b\\n'), right=True) / bs(log(z + 1), df=5)",
    ]
)
marks = st.sampled_from([*"~+-*/:^().,=<>!&|%[]{}'\"`\\ \n\0\ud800é²−·01x", "**", "10", "1e400", "(" * 60, "a.b"])
edits = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 6), marks), max_size=4)


def mutated(text, changes):
    for at, length, mark in changes:
        text = text[:at] + mark + text[at + length :]
    return text


@given(
    st.one_of(st.text(max_size=40), st.text("ab01~+-*/:^().,='`\"[] ", max_size=40), st.builds(mutated, good, edits))
)
@settings(max_examples=examples(500), deadline=None)
def test_any_text_is_a_formula_or_refused(text):
    formula, refusal = outcome(parse_formula, text)
    assert refusal.isprintable()
    terms, refusal = outcome(formula.terms, ["p", "q"]) if formula else ((), "")
    assert refusal.isprintable()
    assert all(parse_expression(str(factor)) == factor for term in terms or () for factor in term)
    expression, refusal = outcome(parse_expression, text)
    assert refusal.isprintable()
    assert refusal or parse_expression(str(expression)) == expression


@pytest.mark.parametrize(
    "text",
    [
        "(a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p)^10",
        "((a+b+c+d+e+f+g+h+i)^9)^9",
        "(" * 40 + "(a+b+c+d+e+f+g+h+i)" + "^10)" * 40,
        "*".join(f"x{i}" for i in range(1500)),
        "/".join(f"x{i}" for i in range(1500)),
        "(" * 9_000,
        "f(" * 4_000,
        "I(" + "-" * 9_000 + "x)",
        "I(" + "x**" * 3_000 + "x)",
        "I(" + "(x+" * 3_000 + "x)",
        "I(" + "x+" * 4_000 + "x)",
        "a^00000000019" + "9" * 9_000,
        "9" * 9_990 + "x",
        "9" * 9_990,
        "`" * 9_999,
        "'\\" * 4_999,
    ],
    ids=lambda text: text[:12],
)
def test_large_formulas_are_refused_without_a_long_wait(text):
    """Without its bounds, each takes minutes, all memory, or Python's stack."""
    with pytest.raises(InputError):
        parse_formula(f"y ~ {text}")
