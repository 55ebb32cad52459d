"""Whether rounding explains a dependency in every row. Totals show the largest rows only.

A common outlier of 1e17, or a fill value, is rounded coarsely. This rounding hides any difference of two columns in
their other rows. So the rows are read again, and each is divided by the power of two next to its rounding. Then
rounding changes all rows equally, and the same test is done on the totals of the divided rows.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.aggregates.base import FoldRows
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.totals import Totals
from regress.blocks import Array, Block
from regress.numerics.integers import power
from regress.numerics.whole_sum import WholeSums
from regress.solvers.exact.collinearity import Dependence, Noise, find_dependence
from regress.solvers.exact.equation import Relation
from regress.solvers.exact.granularity import Steps
from regress.solvers.exact.normal_equations import NormalEquations

_RANGE = 400  # powers of two between a cell and the rounding of its row, so that no square overflows


class Question(NamedTuple):
    """A test for dependencies: the equations, the steps of their columns, and the remainder by rounding to these."""

    equations: NormalEquations
    steps: Steps
    noise: Noise

    def answer(self, given: Collection[int] = (), accept: Callable[[Relation], bool] = lambda _: True) -> Dependence:
        """Answer it by totals alone; see `find_dependence`."""
        return find_dependence(self.equations, self.noise, given, accept)

    def allows(self, relation: Relation, columns: Sequence[int]) -> bool:
        """Return whether the remainder of a relation of some of the columns, with its numbers, is at most noise."""
        relation = relation.renamed(columns)
        equations, numbers = self.equations, {relation.column: Fraction(1)}
        numbers |= {k: -c for k, c in relation.coefficients.items()}
        scaled = {k: c * power(int(equations.unit[k])) for k, c in numbers.items()}
        left = sum(a * b * int(equations.matrix[j, k]) for j, a in scaled.items() for k, b in scaled.items())
        level = sum(c * equations.means[k] for k, c in numbers.items()) - relation.constant
        left = left / equations.factor + equations.weight * level**2 * equations.fit_intercept
        noise = sum(c**2 * Fraction(self.noise.steps[k]) ** 2 for k, c in numbers.items()) / 12
        return bool(left <= Fraction(self.noise.dependent) ** 2 * noise)

    def better(self, one: Relation, other: Relation) -> Relation:
        """Return the first of two relations, or the other if only its remainder is at most noise."""
        every = range(self.equations.n)
        return other if not self.allows(one, every) and self.allows(other, every) else one


class _Part(NamedTuple):
    """Some columns, and the factor by which a step of each counts."""

    columns: list[int]
    factor: Array


class _Division(NamedTuple):
    """How rows of some columns are divided: their steps, and the usual exponent of a row."""

    columns: list[int]
    factor: Array
    steps: Steps
    usual: int


def confirmed(asked: Question, found: Dependence, rows: FoldRows) -> Dependence:
    """Return the dependencies of the totals without relations that rounding does not explain row by row."""
    given, best = set[int](), asked
    while doubtful := [r for r in (*found.relations, *found.near) if not r.exact]:
        seen = dict(zip([r.column for r in doubtful], _by_rows(asked, doubtful, rows), strict=True))
        refuted = {r.column for r in found.relations if not r.exact and not seen[r.column].relations}
        if not refuted:
            relations = tuple(r if r.exact else asked.better(seen[r.column].relations[0], r) for r in found.relations)
            near = tuple(r for r in found.near if r.exact or seen[r.column].relations or seen[r.column].near)
            found = replace(found, relations=relations, near=near)
            break
        if best is asked:  # a few rows may have hidden the columns that do explain it
            best = _weighed(asked, rows)
        else:
            given |= refuted
        found = best.answer(given)
    if best is not asked:  # the inflation is that of the rows as they are
        kept, inflation = list(found.independent), found.inflation.copy()
        inflation[kept] = find_dependence(asked.equations.take(kept), given=range(len(kept))).inflation
        found = replace(found, inflation=inflation)
    return found


def _by_rows(asked: Question, relations: Sequence[Relation], rows: FoldRows) -> list[Dependence]:
    """Test the columns of each relation again, with divided rows, and keep the results for its own column."""
    parts = [
        _Part([*r.support, r.column], np.array([*(abs(float(r.coefficients.get(k, 0))) for k in r.support), 1.0]))
        for r in relations
    ]
    answers = []
    for (columns, _), question in zip(parts, _divided(asked, parts, rows), strict=True):
        found = question.answer(accept=partial(asked.allows, columns=columns))  # rows as they are allow it, too
        own = [[r.renamed(columns) for r in said] for said in (found.relations, found.near)]
        kept = [tuple(r for r in said if r.column == columns[-1]) for said in own]
        answers.append(replace(found, relations=kept[0], near=kept[1]))
    return answers


def _weighed(asked: Question, rows: FoldRows) -> Question:
    """Return the test of all columns, in which rows with large values have no larger weight."""
    n = asked.equations.n
    typical = np.clip(rows(partial(StepExponents, asked.steps)).finish(), -_RANGE, _RANGE)
    return _divided(asked, [_Part(list(range(n)), np.ldexp(1.0, -typical))], rows)[0]


def _divided(asked: Question, parts: Sequence[_Part], rows: FoldRows) -> list[Question]:
    """Return tests of some columns each, on rows divided by the power of two of the largest step in them."""
    root = float(asked.equations.weight) ** 0.5
    divisions = []
    for columns, factor in parts:
        usual = int(np.frexp((factor * asked.noise.steps[columns]).max() / root)[1])
        divisions.append(_Division(columns, factor, asked.steps.take(columns), usual))
    found = []
    for division, (totals, squares) in zip(divisions, rows(partial(DividedSums, divisions)).finish(), strict=True):
        divided = totals.take(range(1, len(totals.unit)))  # where the divided ones are first
        equations = NormalEquations(divided, 1, 0, 0.0, asked.equations.fit_intercept)
        found.append(Question(equations, division.steps, asked.noise._replace(steps=np.sqrt(squares))))
    return found


class StepExponents:
    """The mean exponent of the steps of each column, those of cells with one; integers, so in any order."""

    def __init__(self, steps: Steps) -> None:
        n = len(steps.bits)
        self._steps, self._exponents, self._counts = steps, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)

    def add(self, block: Block) -> None:
        """Add rows."""
        steps = self._steps.of(block.X)
        self._exponents += np.frexp(steps)[1].sum(0)  # 0 for no step
        self._counts += np.count_nonzero(steps, axis=0)

    def merge(self, other: "StepExponents") -> None:
        """Add the rows of another part."""
        self._exponents += other._exponents
        self._counts += other._counts

    def finish(self) -> NDArray[np.int64]:
        """Return the means (n,), rounded down."""
        return np.asarray(self._exponents // np.maximum(self._counts, 1))


class DividedSums:
    """Exact totals of divided rows, and Σ a step² by column, for each of some divisions.

    A term a step² is rounded, and their sum is not: so it has the same bits in any order of the rows.
    """

    def __init__(self, divisions: Sequence[_Division]) -> None:
        self._divisions = divisions
        self._sums = [ExactSums() for _ in divisions]
        self._squares = [WholeSums(len(division.columns)) for division in divisions]

    def add(self, block: Block) -> None:
        """Add rows."""
        X, _, a, *_ = block
        for (columns, factor, steps, usual), sums, squares in zip(
            self._divisions, self._sums, self._squares, strict=True
        ):
            cells = X[:, columns]
            step = steps.of(cells)
            exponent = _exponent((step * factor).max(1), np.abs(cells).max(1), usual)
            scale = np.ldexp(1.0, -exponent)[:, None]
            sums.add(Block(np.concatenate([scale, cells * scale], axis=1), np.zeros((len(X), 1)), a))
            square = np.square(step * scale) * ~steps.free
            squares.add(square if a is None else square * a[:, None])

    def merge(self, other: "DividedSums") -> None:
        """Add the rows of another part."""
        for mine, theirs in zip(self._sums, other._sums, strict=True):
            mine.merge(theirs)
        for own, more in zip(self._squares, other._squares, strict=True):
            own.merge(more)

    def finish(self) -> list[tuple[Totals, Array]]:
        """Return totals and Σ a step² (n,) of each division."""
        found = zip(self._sums, self._squares, strict=True)
        return [(sums.finish(), squares.finish()) for sums, squares in found]


def _exponent(step: Array, cell: Array, usual: int) -> NDArray[np.int64]:
    """Return the exponent of the step of each row: the usual one if all cells are 0, and within the range."""
    exponent = np.where(step > 0.0, np.frexp(step)[1], usual)
    return np.asarray(np.clip(np.maximum(exponent, np.frexp(cell)[1] - _RANGE), -_RANGE, _RANGE))
