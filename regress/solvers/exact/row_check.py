"""Whether rounding explains a dependency in every row. Totals show the largest rows only.

A common outlier of 1e17, or a fill value, is rounded coarsely. This rounding hides any difference of two columns in
their other rows. So the rows are read again, and each is divided by the power of two next to its rounding. Then
rounding changes all rows equally, and the same test is done on the totals of the divided rows.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.aggregates.exact_sums import ExactSums
from regress.blocks import Array, Block
from regress.numerics.integers import power
from regress.solvers.exact.collinearity import Dependence, Noise, find_dependence
from regress.solvers.exact.equation import Relation
from regress.solvers.exact.granularity import Steps
from regress.solvers.exact.normal_equations import NormalEquations

Rows = Callable[[], Iterable[Block]]
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


def confirmed(asked: Question, found: Dependence, rows: Rows) -> Dependence:
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


def _by_rows(asked: Question, relations: Sequence[Relation], rows: Rows) -> list[Dependence]:
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


def _weighed(asked: Question, rows: Rows) -> Question:
    """Return the test of all columns, in which rows with large values have no larger weight."""
    n = asked.equations.n
    exponents, counts = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for X, _, _, _ in rows():
        steps = asked.steps.of(X)
        exponents += np.frexp(steps)[1].sum(0)  # 0 for no step
        counts += np.count_nonzero(steps, axis=0)
    typical = np.clip(exponents // np.maximum(counts, 1), -_RANGE, _RANGE)
    return _divided(asked, [_Part(list(range(n)), np.ldexp(1.0, -typical))], rows)[0]


def _divided(asked: Question, parts: Sequence[_Part], rows: Rows) -> list[Question]:
    """Return tests of some columns each, on rows divided by the power of two of the largest step in them."""
    steps = [asked.steps.take(part.columns) for part in parts]
    root = float(asked.equations.weight) ** 0.5
    usual = [int(np.frexp((part.factor * asked.noise.steps[part.columns]).max() / root)[1]) for part in parts]
    sums = [ExactSums() for _ in parts]
    squares = [np.zeros(len(part.columns)) for part in parts]
    for X, _, a, _ in rows():
        for i, (columns, factor) in enumerate(parts):
            cells = X[:, columns]
            step = steps[i].of(cells)
            exponent = _exponent((step * factor).max(1), np.abs(cells).max(1), usual[i])
            scale = np.ldexp(1.0, -exponent)[:, None]
            sums[i].add(Block(np.concatenate([scale, cells * scale], axis=1), np.zeros((len(X), 1)), a))
            square = np.square(step * scale) * ~steps[i].free
            squares[i] += square.sum(0) if a is None else a @ square
    found = []
    for own, running, square in zip(steps, sums, squares, strict=True):
        totals = running.finish()
        divided = totals.take(range(1, len(totals.unit)))  # where the divided ones are first
        equations = NormalEquations(divided, 1, 0, 0.0, asked.equations.fit_intercept)
        found.append(Question(equations, own, asked.noise._replace(steps=np.sqrt(square))))
    return found


def _exponent(step: Array, cell: Array, usual: int) -> NDArray[np.int64]:
    """Return the exponent of the step of each row: the usual one if all cells are 0, and within the range."""
    exponent = np.where(step > 0.0, np.frexp(step)[1], usual)
    return np.asarray(np.clip(np.maximum(exponent, np.frexp(cell)[1] - _RANGE), -_RANGE, _RANGE))
