"""A fit with another reference level, from what its file holds: every figure is a sum of those that are there.

The columns of the fit are sums of the new ones, X = [1, X']C, and these are sums X' = [1, X]A. Then the coefficients
are w' = Cw, and their covariance is CVCᵀ. Means and products of columns follow A. Sums of the stored doubles are exact,
and rounded once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import nan, sqrt
from typing import Any

import numpy as np

from regress.aggregates.plain_moments import to_moments
from regress.api.model import LinearModel
from regress.blocks import Array
from regress.design.relevel import CONSTANT, Sums, again, sums_of_columns
from regress.design.terms import Design
from regress.errors import InputError
from regress.fit_record import Coefficient, FitRecord, Outcome, PlainMoments
from regress.inference.covariance import Inverse, inverse_of_moments
from regress.inference.effects import terms_of
from regress.inference.prediction_intervals import Uncertainty
from regress.inference.term_tests import Estimates
from regress.numerics.integers import nearest_doubles, root, rounded
from regress.records import INTERCEPT, TESTS, known, plain
from regress.term_records import Terms

Matrix = list[list[Fraction]]
_Origin = tuple[str, str | None, str | None]  # name, column and level


def changed(model: LinearModel, record: FitRecord, design: Design) -> tuple[LinearModel, FitRecord]:
    """Return model and record in the columns of a design that has another reference level.

    Raises
    ------
    InputError
        If the fit has standard errors, and no covariances.
    """
    one = model.trained.options.fit_intercept
    figures = record.figures
    if figures is not None and model.uncertainty is None:
        raise InputError(f"The fit holds no covariances, as with Huber's loss or over 200 columns. {again()}")
    old_by_new = sums_of_columns(model.design, design, one)
    change = _Change(old_by_new, sums_of_columns(design, model.design, one), len(design.names))
    new_model = _model(model, design, change)
    moments = None if record.moments is None else _moments(record.moments, change)
    inverse = None if moments is None or figures is None else _inverse(moments, one)
    column = next(v.name for v, w in zip(design.texts, model.design.texts, strict=True) if v.levels != w.levels)
    new_record = replace(
        record,
        outcome=_outcome(record.outcome, column),
        references=design.references,
        terms=_terms(new_model, record),
        coefficients=tuple(_Lines((model, record), new_model, change, moments, inverse).all()),
        figures=None if figures is None else replace(figures, condition=_condition(inverse)),
        certificate=None,
        fingerprint="",
        moments=moments,
    )
    return new_model, new_record


@dataclass(frozen=True, slots=True)
class _Change:
    """The columns of the fit as sums of the new ones, and the new ones as sums of those."""

    old_by_new: Sums
    new_by_old: Sums
    size: int

    @property
    def coefficients(self) -> Sums:
        """Of which coefficients each new one is the sum; the last one is added to the intercept."""
        sums: Sums = [{} for _ in range(self.size + 1)]
        for j, of_one in enumerate(self.old_by_new):
            for k, factor in of_one.items():
                sums[k][j] = factor  # CONSTANT is the last
        return sums

    def means(self, means: Array) -> list[Fraction]:
        """Return the means of the new columns, of those of the fit's."""
        held = [*map(Fraction, means.tolist()), Fraction(1)]
        return [_added(of_one, held) for of_one in self.new_by_old]


def _added(of_one: dict[int, int], values: Sequence[Fraction]) -> Fraction:
    return sum((factor * values[j] for j, factor in of_one.items()), Fraction(0))


def _rows_added(sums: Sums, matrix: Matrix) -> Matrix:
    """Return sums of the rows of a matrix."""
    width = len(matrix[0])
    return [
        matrix[next(iter(of_one))]
        if list(of_one.values()) == [1]
        else [sum((f * matrix[j][k] for j, f in of_one.items()), Fraction(0)) for k in range(width)]
        for of_one in sums
    ]


def _both_sides(sums: Sums, matrix: Matrix) -> Matrix:
    """Return S M Sᵀ of a symmetric matrix M."""
    half = _rows_added(sums, matrix)
    return _rows_added(sums, [list(column) for column in zip(*half, strict=True)])


def _exact(matrix: Array) -> Matrix:
    return [list(map(Fraction, row)) for row in matrix.tolist()]


def _doubles(matrix: Matrix) -> Array:
    return np.array([nearest_doubles(row) for row in matrix])


def _model(model: LinearModel, design: Design, change: _Change) -> LinearModel:
    *of_w, of_b = change.coefficients
    w = [*map(Fraction, model.w.tolist())]
    new_w, centers, one = [_added(s, w) for s in of_w], change.means(model.center), model.trained.options.fit_intercept
    center = nearest_doubles(centers) if one else np.zeros(change.size)
    moved = (v * (Fraction(c) - exact) for v, c, exact in zip(new_w, center.tolist(), centers, strict=True))
    held = model.uncertainty
    return replace(
        model,
        w=nearest_doubles(new_w),
        center=center,
        b=rounded(Fraction(model.b) + _added(of_b, w)),
        b_center=rounded(Fraction(model.b_center) + sum(moved, Fraction(0))) if one else 0.0,
        design=design.with_fills(model.design.fills),
        uncertainty=None if held is None else _uncertainty(held, change, one),
    )


def _uncertainty(held: Uncertainty, change: _Change, one: bool) -> Uncertainty:
    *of_w, _ = change.coefficients
    across = [*map(Fraction, held.across.tolist())]
    return held._replace(
        center=nearest_doubles(change.means(held.center)) if one else np.zeros(change.size),
        covariance=_doubles(_both_sides(of_w, _exact(held.covariance))),
        across=nearest_doubles([_added(s, across) for s in of_w]),
    )


def _moments(held: PlainMoments, change: _Change) -> PlainMoments:
    norm = [*map(Fraction, held.norm)]
    products: Matrix = [[Fraction(0)] * len(norm) for _ in norm]
    for i, row in enumerate(held.cosines):
        for j, cosine in enumerate(row, start=i):
            products[i][j] = products[j][i] = Fraction(cosine) * norm[i] * norm[j]
    columns = [{j: f for j, f in s.items() if j != CONSTANT} for s in change.new_by_old]
    squares = _both_sides(columns, products)
    new_norm = [root(max(squares[j][j], Fraction(0))) for j in range(len(squares))]
    unit = [Fraction(v or 1.0) for v in new_norm]
    cross = [Fraction(c) * n for c, n in zip(held.target_cosines, norm, strict=True)]
    return replace(
        held,
        mean=tuple(nearest_doubles(change.means(np.array(held.mean))).tolist()),
        norm=tuple(new_norm),
        cosines=tuple(
            tuple(rounded(squares[i][j] / unit[i] / unit[j]) for j in range(i, len(unit))) for i in range(len(unit))
        ),
        target_cosines=tuple(rounded(_added(s, cross) / u) for s, u in zip(columns, unit, strict=True)),
    )


def _terms(model: LinearModel, record: FitRecord) -> Terms:
    held, n = model.uncertainty, len(model.names)
    covariance, df = (None, nan) if held is None else (held.covariance, held.df_resid)
    estimable = (
        np.zeros(n, dtype=bool) if covariance is None else np.diagonal(covariance) > 0
    )  # constant columns have 0
    found = Estimates(model.w, covariance, estimable, df)
    return terms_of(model.design, found, record.terms.ranges, model.trained.options.level)


def _outcome(outcome: Outcome, column: str) -> Outcome:
    """Return the outcome without the notes that name levels of the column, and without R² that rests on its reference.

    Rows held out with levels that no training row has were predicted as the reference level.
    """
    gone = [note for note in outcome.notes if f"{column}=" in note]
    outcome = replace(outcome, notes=tuple(note for note in outcome.notes if note not in gone))
    rests = any("held-out" in note for note in gone)
    return replace(outcome, scored=False, r2_test=None) if rests else outcome


def _inverse(moments: PlainMoments, one: bool) -> Inverse | None:
    """Invert the products of the columns that are not constant; the others have no variance inflation factor."""
    at = [k for k, norm in enumerate(moments.norm) if norm or not one]
    chosen = replace(
        moments,
        mean=tuple(moments.mean[k] for k in at),
        norm=tuple(moments.norm[k] for k in at),
        cosines=tuple(tuple(moments.cosines[i][j - i] for j in at if j >= i) for i in at),
        target_cosines=tuple(moments.target_cosines[k] for k in at),
    )
    inverse = inverse_of_moments(to_moments(chosen), one)
    if inverse is None:
        return None
    inflation = np.full(len(moments.norm), nan)
    inflation[at] = inverse.inflation
    return replace(inverse, inflation=inflation)


def _condition(inverse: Inverse | None) -> float | None:
    return None if inverse is None else known(inverse.condition)


class _Lines:
    """The lines of the table of coefficients."""

    def __init__(
        self,
        before: tuple[LinearModel, FitRecord],
        model: LinearModel,
        change: _Change,
        moments: PlainMoments | None,
        inverse: Inverse | None,
    ) -> None:
        (self._old, self._record), self._model = before, model
        self._moments, self._inverse = moments, inverse
        *self._of_w, self._of_b = change.coefficients

    def all(self) -> list[Coefficient]:
        """Return them, the intercept first."""
        columns, lines = self._record.columns, []
        if self._model.trained.options.fit_intercept:
            lines.append(self._intercept(self._record.coefficients[0]))
        for k, (origin, of_one) in enumerate(zip(self._model.design.origins, self._of_w, strict=True)):
            same = next((columns[j] for j in of_one if of_one == {j: 1} and columns[j].name == origin[0]), None)
            lines.append(self._line(k, origin) if same is None else replace(same, digits=None))
        return lines

    def _line(self, k: int, origin: _Origin) -> Coefficient:
        held, moments, rest = self._model.uncertainty, self._moments, dict[str, float]()
        if moments is not None and moments.target_norm:
            rest["standardized"] = float(self._model.w[k]) * moments.norm[k] / moments.target_norm
        variance = nan if held is None else float(held.covariance[k, k])
        if self._inverse is not None:
            rest["vif"] = float(self._inverse.inflation[k])
        return self._made(float(self._model.w[k]), variance, rest, origin)

    def _intercept(self, old: Coefficient) -> Coefficient:
        if not self._of_b:
            return replace(old, digits=None)
        held, variance = self._old.uncertainty, nan
        if held is not None and old.std_err is not None:
            V, center = _exact(held.covariance), [*map(Fraction, held.center.tolist())]
            with_b = [
                Fraction(a) - sum((v * c for v, c in zip(row, center, strict=True)), Fraction(0))
                for a, row in zip(held.across.tolist(), V, strict=True)
            ]
            own = _added(self._of_b, [_added(self._of_b, row) for row in V])
            variance = rounded(Fraction(old.std_err) ** 2 + 2 * _added(self._of_b, with_b) + own)
        return self._made(self._model.b, variance, {}, (INTERCEPT, None, None))

    def _made(self, coef: float, variance: float, rest: dict[str, float], origin: _Origin) -> Coefficient:
        from scipy import special

        held, tests = self._model.uncertainty, [nan] * len(TESTS)
        if held is not None and variance >= 0.0:
            error = sqrt(variance)
            t = coef / error if error else nan
            half = float(special.stdtrit(held.df_resid, (1.0 + self._model.trained.options.level) / 2.0)) * error
            tests = [error, t, float(2.0 * special.stdtr(held.df_resid, -abs(t))), coef - half, coef + half]
        figures: dict[str, Any] = plain({**dict(zip(TESTS, tests, strict=True)), **rest})
        return Coefficient(name=origin[0], column=origin[1], level=origin[2], coef=coef, **figures, status="estimated")
