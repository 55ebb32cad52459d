"""Formulas such as `log(price) ~ area * C(zone) + poly(age, 3)`: a target, and terms that are products of factors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from regress.design.formula.expression import Expression, Named
from regress.design.formula.factors import read_factor
from regress.design.formula.tokens import Token, Tokens, shown
from regress.errors import InputError

MAX_TERMS = 1000  # that products make
MAX_POWER = MAX_FACTORS = 10  # of a sum, and of a product
_MAX_STEPS = 500_000  # of making products and sums of terms: less than a second
_SIGNS, _PRODUCTS, _POWERS = ("+", "-"), ("*", "/"), ("^", "**")

# Terms by the set of their factors, so that a:b is b:a, with the factors in the order in which they are written.
# A factor is a number here, as comparing expressions takes longer.
_Terms: TypeAlias = dict[frozenset[int], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that has been read.

    Attributes
    ----------
    text : str
        The formula as it is written.
    target : Expression or None
        What stands before `~`; None without one.
    intercept : bool
        False with `0` or `-1`.
    dot : bool
        Whether `.` stands for all other columns.
    """

    text: str
    target: Expression | None
    intercept: bool
    dot: bool

    def terms(self, others: Sequence[str]) -> tuple[tuple[Expression, ...], ...]:
        """Return the terms, each with its factors, from those with one factor to those with most, as R does.

        Parameters
        ----------
        others : sequence of str
            The columns that `.` stands for.

        Raises
        ------
        InputError
            If there are too many, if one is removed that is not there, or if there is nothing to fit.
        """
        return _Reader(self.text, others).read()[1]


def parse_formula(text: str) -> Formula:
    """Read a formula. Nothing is executed.

    Raises
    ------
    InputError
        If it is not a formula; the message names the place, and what to write.

    Examples
    --------
    >>> formula = parse_formula("log(price) ~ area * zone - 1")
    >>> str(formula.target), formula.intercept
    ('log(price)', False)
    >>> [":".join(map(str, term)) for term in formula.terms([])]
    ['area', 'zone', 'area:zone']
    """
    reader = _Reader(text, None)
    target, _ = reader.read()
    return Formula(text, target, reader.intercept, reader.dot)


class _Reader:
    """Reads a formula by recursive descent: sums of products of interactions of powers.

    `others` are the columns that `.` stands for; None if they are not known yet.
    """

    def __init__(self, text: str, others: Iterable[str] | None) -> None:
        self._tokens = Tokens(text)
        self._others = others
        self._factors: dict[Expression, int] = {}  # each with its number
        self._steps = 0
        self.intercept = True
        self.dot = self._tokens.has_mark(".")

    def read(self) -> tuple[Expression | None, tuple[tuple[Expression, ...], ...]]:
        """Return the target and the terms."""
        tokens = self._tokens
        if tokens.next.kind == "end":
            raise InputError("The formula is empty. Write a target and terms, such as 'y ~ a + b'.")
        target = self._target() if tokens.has_mark("~") else None
        terms = self._sum(outer=True)
        if tokens.next.kind != "end":
            tokens.unexpected("an operator such as +")
        unknown = self.dot and self._others is None
        if not (terms or self.intercept or unknown):
            tokens.fail("ends without a term and without an intercept", tokens.next, "Add a column.")
        factors = list(self._factors)
        return target, tuple(tuple(factors[i] for i in term) for term in sorted(terms.values(), key=len))

    def _target(self) -> Expression | None:
        tokens = self._tokens
        if tokens.took("~"):
            return None
        target = read_factor(tokens)
        if not tokens.next.is_mark("~"):
            tokens.fail("has more than a column or a function before ~", tokens.next, "Put arithmetic in I(…).")
        tokens.take()
        return target

    def _sum(self, *, outer: bool = False) -> _Terms:
        """Read terms joined by + and -. Only the outer sum may have 0 and 1, as other tools differ about the inner."""
        terms: _Terms = {}
        tokens, first = self._tokens, True
        while first or tokens.next.is_mark(*_SIGNS):
            first, plus, start = False, True, tokens.next
            while tokens.next.is_mark(*_SIGNS):
                plus ^= tokens.take().text == "-"
            joined = tokens.after.kind == "end" or tokens.after.is_mark(*_SIGNS)
            if outer and joined and tokens.next.kind == "number" and tokens.next.text in ("0", "1"):
                self.intercept = (tokens.take().text == "1") == plus
            elif plus:
                self._add(terms, self._product())
            else:
                terms = self._without(terms, start)
        return terms

    def _without(self, terms: _Terms, minus: Token) -> _Terms:
        removed = self._product()
        self._spend(terms)
        known = self._others is not None or not self.dot
        if known and not terms.keys() & removed.keys():
            self._tokens.fail("removes a term that is not there", minus, "Remove the minus, or correct the name.")
        return {key: term for key, term in terms.items() if key not in removed}

    def _product(self) -> _Terms:
        """Read a * b, which is a + b + a:b, and a / b, which is a + a:b."""
        terms = self._interaction()
        while self._tokens.next.is_mark(*_PRODUCTS):
            crossed = self._tokens.take().text == "*"
            right = self._interaction()
            factors: _Terms = terms if crossed else {frozenset(): ()}
            if not crossed:  # with the product of all terms on the left
                for key, term in terms.items():
                    factors = self._times(factors, {key: term})
            products = self._times(factors, right)
            if crossed:
                self._add(terms, right)
            self._add(terms, products)
        return terms

    def _interaction(self) -> _Terms:
        terms = self._power()
        while self._tokens.took(":"):
            terms = self._times(terms, self._power())
        return terms

    def _power(self) -> _Terms:
        """Read a factor or a sum in parentheses, and its power: (a + b)^2 is (a + b):(a + b), which is a + b + a:b."""
        base = terms = self._atom()
        if self._tokens.next.is_mark(*_POWERS):
            mark, power = self._tokens.take(), self._tokens.next
            if power.text not in map(str, range(1, MAX_POWER + 1)) or power.kind != "number":
                self._tokens.fail(f"has {mark.text}", mark, f"Its power must be an integer from 1 to {MAX_POWER}.")
            self._tokens.take()
            for _ in range(int(power.text) - 1):
                terms = self._times(terms, base)
        return terms

    def _atom(self) -> _Terms:
        tokens = self._tokens
        token = tokens.next
        if token.kind == "word":  # a dot
            tokens.take()
            return dict(self._term(Named(name)) for name in self._others or ())
        if tokens.took("("):
            with tokens.nested():
                terms = self._sum()
                tokens.expect(")")
            return terms
        if token.kind == "number" and tokens.after.is_mark("|"):  # a random effect, as in (1 | group)
            tokens.take()
            tokens.unexpected("an operator such as +")
        if token.kind == "number" and token.text in ("0", "1"):
            remedy = "Write 0, 1 and -1 outside parentheses, joined by + or -."
            tokens.fail(f"has {token.text} in a product or in parentheses", token, remedy)
        if token.kind == "number":
            tokens.fail(
                f"has the number {shown(token)} as a term", token, "For a multiple of a column, write I(2 * a)."
            )
        if token.kind == "text":
            tokens.fail("has a text as a term", token, "Write names of columns in backquotes, not in quotes.")
        return dict([self._term(read_factor(tokens))])

    def _term(self, factor: Expression) -> tuple[frozenset[int], tuple[int]]:
        number = self._factors.setdefault(factor, len(self._factors))
        return frozenset((number,)), (number,)

    def _times(self, left: _Terms, right: _Terms) -> _Terms:
        """Return the products of each term on the left and each on the right."""
        made: _Terms = {}
        for key, term in left.items():
            self._spend(right)
            for other, factors in right.items():
                product = key | other
                if len(product) > MAX_FACTORS:
                    raise InputError(f"The formula has a product of more than {MAX_FACTORS} factors. Write fewer.")
                if product not in made:
                    made[product] = term + tuple(factor for factor in factors if factor not in key)
            if len(made) > MAX_TERMS:
                self._refuse()
        return made

    def _add(self, terms: _Terms, more: _Terms) -> None:
        """Put more terms behind those that are there already."""
        self._spend(more)
        terms.update((key, term) for key, term in more.items() if key not in terms)

    def _spend(self, terms: _Terms) -> None:
        self._steps += len(terms)
        if self._steps > _MAX_STEPS:
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(f"The products of the formula are too many; the maximum is {MAX_TERMS:,} terms.")
