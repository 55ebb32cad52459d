"""The words and marks of a formula, and the errors that name a place in it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from regress.errors import InputError, check_text
from regress.messages import shortened

MAX_CHARACTERS = 10_000
MAX_NESTED = 50  # parentheses, lists, signs and powers within each other: Python's stack holds far more

# Every alternative gives back nothing (++, *+), so that a hostile text takes no time either.
_TOKEN = re.compile(
    r"""\s*+(?:
    (?P<number>(?>[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?>[eE][+-]?[0-9]++)?+(?![\w.]|[^\x00-\x7f\s]))
    |(?P<word>(?:[\w.]|[^\x00-\x7f\s])++)
    |(?P<quoted>`(?:[^`]|``)*+`)
    |(?P<text>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")
    |(?P<mark>\*\*|[<>=!]=|%\w*%|\S)
    |(?P<end>\Z))""",
    re.VERBOSE | re.DOTALL,
)
_REMEDIES = {  # of what people write who come from another language
    "=": "Write ~ between the target and the terms, and == to compare values inside I(…).",
    **dict.fromkeys(
        ("==", "!=", "<", "<=", ">", ">="), "Write a comparison inside I(…), and one at a time, such as I(age > 30)."
    ),
    **dict.fromkeys(
        ("&", "and"), "Write a:b for the product of two columns, and I((a > 1) * (b < 2)) for two conditions."
    ),
    "|": "Formulas have no random effects. For either of two conditions, write I((a > 1) + (b < 2) > 0).",
    "or": "For either of two conditions, write I((a > 1) + (b < 2) > 0).",
    "in": "For one of two levels, write I((a == 'red') + (a == 'blue')).",
    "~": "A formula has one ~, between the target and the terms.",
    "%in%": "Write a:b, or b/a for b + a:b.",
    "[": "Formulas have no indexes. Put a name that holds brackets in backquotes.",
    "$": "Write the name of the column alone.",
    "`": "This backquote is not closed. Write a backquote inside a quoted name twice.",
    "'": "This quote is not closed.",
    '"': "This quote is not closed.",
    "**": "One power is allowed, an integer from 1 to 10, after a column or parentheses, such as (a + b)^2.",
    "^": "One power is allowed, an integer from 1 to 10, after a column or parentheses, such as (a + b)^2.",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark of a formula: its kind, its text, and how many characters stand before it.

    The kinds are those of the groups of the pattern, and "name" for a word that can be the name of a column.
    """

    kind: str
    text: str
    at: int

    def is_mark(self, *marks: str) -> bool:
        """Tell whether it is one of some marks."""
        return self.kind == "mark" and self.text in marks


def _token(found: re.Match[str]) -> Token:
    kind = str(found.lastgroup)
    return Token(kind, found[kind], found.start(kind))


def shown(token: Token) -> str:
    """Return a token as text for a message."""
    return repr(shortened(token.text, 40))


class Tokens:
    """The words and marks of a formula, read from left to right."""

    def __init__(self, text: str) -> None:
        check_text("formula", text, "such as 'y ~ a + b'")
        if len(text) > MAX_CHARACTERS:
            raise InputError(f"The formula has {len(text):,} characters; the maximum is {MAX_CHARACTERS:,}.")
        self.text = text
        self._all = [self._checked(_token(found)) for found in _TOKEN.finditer(text)]
        self._at = self._nested = 0

    @property
    def next(self) -> Token:
        """The token that is read next; the last one, of kind "end", stays."""
        return self._all[self._at]

    @property
    def after(self) -> Token:
        """The token after the next one."""
        return self._all[min(self._at + 1, len(self._all) - 1)]

    def has_mark(self, *marks: str) -> bool:
        """Tell whether the formula has one of some marks or words, also within parentheses."""
        return any(token.text in marks and token.kind in ("mark", "word") for token in self._all)

    def take(self) -> Token:
        """Return the next token and go on."""
        token = self.next
        self._at += token.kind != "end"
        return token

    def took(self, *marks: str) -> bool:
        """Go on if one of some marks is next, and tell whether it was."""
        found = self.next.is_mark(*marks)
        if found:
            self.take()
        return found

    def expect(self, mark: str) -> None:
        """Go past a mark, or refuse what stands in its place."""
        if not self.took(mark):
            self.unexpected(repr(mark))

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Count a level of parentheses, and refuse too many."""
        self._nested += 1
        if self._nested > MAX_NESTED:
            self.fail(f"has more than {MAX_NESTED} nested levels", self.next, "Compute a part of it in the table.")
        yield
        self._nested -= 1

    def fail(self, what: str, token: Token, remedy: str) -> NoReturn:
        """Raise `InputError`: what the formula does at a token, and what to do about it."""
        start = max(token.at - 30, 0)
        end = start + 60
        place = f"{'…' * (start > 0)}{self.text[start:end]}{'…' * (end < len(self.text))}"
        raise InputError(f"The formula {what} at character {token.at + 1}: {place!r}. {remedy}")

    def unexpected(self, expected: str) -> NoReturn:
        """Refuse the next token, with a remedy if it is a known slip."""
        token = self.next
        expected = f"{expected[0].upper()}{expected[1:]} is expected there."
        if token.kind == "end":
            self.fail("ends", token, expected)
        if token.is_mark(")") and not self._nested:
            self.fail("has ')' without '('", token, "Remove it, or add the other one.")
        if token.kind == "name" and expected.startswith("An operator"):
            expected += " Put a name with blanks in backquotes."
        remedy = _REMEDIES.get(token.text, expected) if token.kind in ("mark", "name") else expected
        self.fail(f"has {shown(token)}", token, remedy)

    def _checked(self, token: Token) -> Token:
        """Return a token, with the name of a column without its quotes; or refuse what is not a word of formulas."""
        if token.kind == "quoted":
            return Token("quoted", token.text[1:-1].replace("``", "`"), token.at)
        if token.is_mark("`", "'", '"'):
            self.fail(f"has {token.text}", token, _REMEDIES[token.text])
        if token.kind != "word" or token.text == ".":
            return token
        if token.text.isidentifier():
            return Token("name", token.text, token.at)
        if "." in token.text and (token.text[0] == "." or self.text[token.at + len(token.text) :].lstrip()[:1] == "("):
            remedy = "Formulas have no modules and no attributes; write log(x) for np.log(x)."
            self.fail(f"has {shown(token)}", token, remedy)
        self.fail(f"has {shown(token)}", token, "Put a name with such characters in backquotes.")
