"""How the record of a fit is made, on first use: an inverse of many columns takes longer than some fits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from math import nan

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.aggregates.plain_moments import MOST_MOMENTS, of_moments
from regress.aggregates.totals_bytes import fingerprint, to_bytes
from regress.api.model import LinearModel
from regress.api.model_file import moments_agree
from regress.api.sums import ReadTable
from regress.blocks import Array
from regress.design.terms import Design
from regress.fit_record import (
    Coefficient,
    CoefficientStatus,
    Figures,
    FitOptions,
    FitRecord,
    Outcome,
    PlainMoments,
    Proof,
)
from regress.inference.certificate import certificate
from regress.inference.certified import Certificate
from regress.inference.effects import terms_of
from regress.inference.huber import Outliers
from regress.inference.leverage import basis
from regress.inference.prediction_intervals import Uncertainty
from regress.inference.residuals import OfFit, Sampled, residual_groups, sampled
from regress.inference.robust_covariance import Covariance, GivenMiddle, MeatSums, Middle, middle_given
from regress.inference.row_groups import LEAST
from regress.inference.standard_errors import Statistics
from regress.inference.statistics import statistics
from regress.inference.sums_of_squares import Squares
from regress.inference.term_tests import Estimates
from regress.numerics.threads import one_blas_thread
from regress.options import TrainOptions
from regress.records import INTERCEPT, TESTS, known, plain
from regress.solvers.solution import Training
from regress.term_records import ColumnRange, Terms

MOST_COVARIANCES = 200  # columns whose covariance is kept


@dataclass(frozen=True, eq=False, kw_only=True)
class Inference:
    """What the record of a fit is made of: how it came about, and sums over its rows.

    Attributes
    ----------
    model, outcome : LinearModel, Outcome
        What predicts, and what is known at once.
    training, data, options : Training, TrainingData, TrainOptions
        How the fit came about, without its rows.
    squares, log_weight, middle, outliers : Squares, float, Middle or None, Outliers or None
        What statistics need besides.
    standardized, digits : array of shape (n,), array of shape (n,) or None
        w·sd(x)/sd(y), and a lower estimate of the correct digits, where sums are in float64.
    sampled, points, ranges : Sampled or None, bool, tuple of ColumnRange
        Rows whose residuals are drawn, whether one by one, and where the values of columns lie that enter by curves.
    again : callable or None
        Trains again with another design, where exact totals give the fit, and it has a reference level.
    """

    model: LinearModel
    outcome: Outcome
    training: Training
    data: TrainingData
    options: TrainOptions
    squares: Squares
    log_weight: float
    middle: Middle | GivenMiddle | None
    outliers: Outliers | None
    standardized: Array
    digits: Array | None
    sampled: Sampled | None
    points: bool
    ranges: tuple[ColumnRange, ...]
    again: Callable[[Design], "Inference"] | None

    @cached_property
    def statistics(self) -> Statistics | str:
        """The statistics of the fit, or why there are none."""
        with one_blas_thread():
            return statistics(
                self.training,
                self.data,
                self.options,
                self.squares,
                self.outcome.nobs,
                log_weight=self.log_weight,
                se=self.model.trained.options.cov_type,
                middle=self.middle,
                outliers=self.outliers,
            )

    @cached_property
    def certificate(self) -> Certificate | None:
        """Correct digits and gradient, from exact totals; None where sums are in float64."""
        minimum, model = self.training.minimum, self.model
        if minimum is None or not np.isfinite([*model.w, model.b]).all():
            return None
        names, center = model.design.names, model.center
        return certificate(minimum, names, model.w, center, b_center=model.b_center, b=model.b)

    @property
    def uncertainty(self) -> Uncertainty | None:
        """What prediction intervals need, where there are such."""
        if isinstance(self.statistics, str) or self.outliers is not None or len(self.model.names) > MOST_COVARIANCES:
            return None
        found = self.statistics.uncertainty
        return found if found.proper else None

    @cached_property
    def record(self) -> FitRecord:
        """All that is known of the fit."""
        found, proved = self.statistics, self.certificate
        sigma = nan if isinstance(found, str) else found.sigma
        residuals = residual_groups(self.sampled, sigma, self._of_fit())
        return FitRecord(
            trained=self.model.trained,
            outcome=self.outcome,
            references=self.model.design.references,
            terms=self._terms(),
            figures=None if isinstance(found, str) else Figures(**plain(found.figures())),
            statistics_missing=found if isinstance(found, str) else "",
            certificate=None
            if proved is None
            else Proof(
                worst=proved.worst,
                passed=proved.passed,
                gradient_norm=known(proved.gradient_norm),
                excess_loss=known(proved.excess_loss),
                loss=known(proved.loss),
            ),
            fingerprint=self._fingerprint(),
            coefficients=tuple(self._coefficients()),
            moments=self._moments(),
            residuals=None if isinstance(residuals, str) else residuals,
            residuals_missing=residuals if isinstance(residuals, str) else "",
        )

    def _of_fit(self) -> OfFit:
        """Return what is known of the fit whose residuals are drawn."""
        found, data, options, design = None, self.data, self.options, self.model.design
        if self.sampled is not None:
            with one_blas_thread():
                X, a, rank = self.sampled.X, self.sampled.weights, self.outcome.rank
                found = basis(X, a, data.moments, options.fit_intercept, rank)
        plain = not options.alpha and self.outliers is None and options.penalty is None
        numbers = [j for j, (_, _, level) in enumerate(design.origins) if level is None]
        return OfFit(data.summary.rows, found, plain, self.points, numbers, design.names)

    def _terms(self) -> Terms:
        found, n = self.statistics, len(self.model.names)
        if isinstance(found, str):
            estimates = Estimates(self.model.w, None, np.zeros(n, dtype=bool), nan)
        else:
            estimates = Estimates(self.model.w, found.covariance[0], found.inverse.estimable, found.df_test)
        return terms_of(self.model.design, estimates, self.ranges, self.model.trained.options.level)

    def _fingerprint(self) -> str:
        """Return the hash of the sums over the training rows; "" where there is none."""
        sums, names = self.data.sums, self.model.design.selection.collected
        if sums is None or not self.data.exact or len(names) > MOST_COVARIANCES:
            return ""
        return fingerprint(to_bytes(sums, names))

    def _moments(self) -> PlainMoments | None:
        moments, n = self.data.moments, len(self.model.design.names)
        if moments is None or n > MOST_MOMENTS or self.data.summary.rows < LEAST:
            return None
        plain = of_moments(moments)
        return plain if moments_agree(plain) else None

    def _coefficients(self) -> list[Coefficient]:
        """Return the lines of the table of coefficients."""
        model, one, found = self.model, self.options.fit_intercept, self.statistics
        n, digits, of_b = len(model.design.names), self.digits, None
        if self.certificate is not None:
            digits, of_b = np.array(list(self.certificate.digits.values())), self.certificate.intercept_digits
        origins, w = model.design.origins, model.w.tolist()
        none = [nan] * n
        tests = (
            [[nan] * len(TESTS)] * (n + one)
            if isinstance(found, str)
            else [list(test) for test in found.tests(model.trained.options.level)]
        )
        columns = [
            self.standardized.tolist(),
            none if isinstance(found, str) else found.inverse.inflation.tolist(),
            none if digits is None else digits.tolist(),
        ]
        statuses = self._statuses()
        lines: list[tuple[str, str | None, str | None, float]] = [
            (*origin, coef) for origin, coef in zip(origins, w, strict=True)
        ]
        rest = [dict(zip(("standardized", "vif", "digits"), v, strict=True)) for v in zip(*columns, strict=True)]
        if one:
            alone = not isinstance(found, str) and not found.inverse.intercept_estimable
            statuses = ["dependent" if alone else "estimated", *statuses]
            lines, rest = [(INTERCEPT, None, None, model.b), *lines], [{"digits": nan if of_b is None else of_b}, *rest]
        figures = [plain(dict(zip(TESTS, test, strict=True)) | more) for test, more in zip(tests, rest, strict=True)]
        return [
            Coefficient(name=name, column=column, level=level, coef=coef, **known, status=status)
            for (name, column, level, coef), known, status in zip(lines, figures, statuses, strict=True)
        ]

    def _statuses(self) -> list[CoefficientStatus]:
        names, minimum, found = self.model.design.names, self.training.minimum, self.statistics
        constant, dropped = set(self.outcome.constant), set(self.outcome.dropped)
        shared = np.zeros(len(names), dtype=bool)  # coefficients that not all minimizers share
        if not isinstance(found, str):
            shared = ~found.inverse.estimable
        elif not self.options.alpha and not dropped:
            relations = () if minimum is None else minimum.dependence.relations
            shared[[k for r in relations for k in (r.column, *r.coefficients)]] = True
            rank = self.outcome.rank
            shared |= not relations and rank is not None and rank < len(names) - len(constant)
        return [
            "dropped" if name in dropped else "constant" if name in constant else "dependent" if many else "estimated"
            for name, many in zip(names, shared.tolist(), strict=True)
        ]


def middle_of(
    prepared: ReadTable, training: Training, kept: FitOptions, given: Covariance | None
) -> Middle | GivenMiddle:
    """Sum what robust standard errors need in a second pass over the rows."""
    reader, center = prepared.reader, prepared.data.summary.center * kept.fit_intercept
    if given is not None:
        return middle_given(given, reader, training, center)
    repeated = kept.weight_type == "frequency"
    sums = partial(MeatSums, training, center, prepared.names, repeated)
    meat = prepared.fold_rows(sums, n_jobs=None if training.minimum is not None else 1).finish()
    return Middle(meat, corrected=kept.cov_type == "HC1")


def sample_of(read: ReadTable, model: LinearModel) -> Sampled | None:
    """Return the sample of the training rows as residuals need it; None where no rows are kept."""
    if read.sample is None:
        return None
    repeated = model.trained.options.weight_type == "frequency"
    found = sampled(read.sample, model.w, model.center, model.b_center, repeated)
    return found._replace(places=read.places)
