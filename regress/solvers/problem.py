"""One least-squares or other problem: its rows, what is minimized, and in which coordinates."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np

from regress.aggregates.collect import TrainingData, square_fits
from regress.errors import InputError
from regress.messages import setting
from regress.objective.batches import Batches, Bring, Groups, RowsInBlocks, RowsInMemory, brought
from regress.objective.huber import Huber, HuberTerm
from regress.objective.losses import Loss
from regress.objective.objective import ENGINES, DataTerm, MomentsTerm, Objective, RowsTerm, curvature_of
from regress.objective.penalties import Ridge
from regress.objective.scaling import Coordinates
from regress.objective.stream import StreamTerm
from regress.options import TrainOptions
from regress.solvers import choose
from regress.solvers.accuracy import Accuracy, norms
from regress.solvers.hessian import Curvature, PrimalCurvature
from regress.solvers.hessian_rows import DualCurvature, RowsCurvature
from regress.solvers.running import Running
from regress.solvers.solution import Training


class Problem(ABC):
    """One problem: data, options, and the curvature that all of its targets share.

    Parameters
    ----------
    data : TrainingData
        From `collect_rows`.
    options : TrainOptions
        How to train.
    names : sequence of str
        Names of the columns, for messages.
    n_jobs : int
        Threads that work on rows.
    running : Running, optional
        How a descent runs.
    """

    def __init__(
        self,
        data: TrainingData,
        options: TrainOptions,
        names: Sequence[str],
        n_jobs: int = 1,
        running: Running | None = None,
    ) -> None:
        self.data, self._options, self._names, self._n_jobs = data, options, names, n_jobs
        self._running = running or Running()
        self.plan = choose.plan(options, data, descends=self._running.descends)
        self._losses: dict[int, Loss] = {}
        summary, n = data.summary, len(data.summary.center)
        self._origin, self._scale = np.zeros(n), np.ones(n)
        if options.standardize:
            self._origin = summary.center if options.fit_intercept else self._origin
            spread = norms(data, options.fit_intercept) / np.sqrt(summary.weight)
            self._scale = np.where(spread > 0, spread, 1.0)

    @abstractmethod
    def train(self, target: int = 0) -> Training:
        """Train on one target."""

    def loss(self, target: int = 0) -> Loss:
        """Return the loss of one target: Huber's takes its scale from least squares unless that is given."""
        if not isinstance(self.plan.loss, Huber):
            return self.plan.loss
        if target not in self._losses:
            from regress.solvers.huber import least_squares, with_scale

            def square() -> Training:
                options = least_squares(self._options)
                return type(self)(self.data, options, self._names, self._n_jobs).train(target)

            self._losses[target] = with_scale(self.plan.loss, self.data, target, square)
        return self._losses[target]

    def coordinates(self, target: int = 0) -> Coordinates:
        """Return where the descent of a target runs. A loss from outside sees targets as they are."""
        loss, level = self.plan.loss, 0.0
        if self._options.standardize and self._options.fit_intercept:
            if isinstance(loss, Huber):
                from regress.solvers.huber import median_target

                level = median_target(self.data, target)
            elif loss.quadratic:
                level = float(self.data.summary.target_center[target])
        return Coordinates(self._origin, self._scale, level)

    def objective(self, target: int = 0) -> Objective:
        """Return the objective of one target, computed in the way that the options name."""
        data, options, plan = self.data, self._options, self.plan
        coordinates, summary, loss = self.coordinates(target), data.summary, self.loss(target)
        engine = ENGINES[options.gradient]
        term: DataTerm
        if plan.over == "blocks" and self._running.reader is None:
            blocks, rows = setting("over", "blocks"), setting("over", "rows")
            raise InputError(f"{blocks} needs a table that is read again, not arrays. Use {rows}.")
        if plan.from_moments:
            assert data.moments is not None
            term = MomentsTerm(coordinates.moments(data.moments, target), engine)
        elif plan.over == "blocks":
            assert data.again is not None
            term = StreamTerm(loss, data.again, coordinates, target, engine=engine)
        else:
            assert data.rows is not None
            kind = HuberTerm if isinstance(loss, Huber) else RowsTerm
            term = kind(loss, data.rows, coordinates, target, engine=engine, n_jobs=self._n_jobs)
        mean = (summary.center - self._origin) / self._scale
        norm, target_norm = summary.norm / self._scale, float(summary.target_norm[target])
        far = float(np.sqrt(summary.weight) * abs(summary.target_center[target]))
        if not options.fit_intercept:
            norm = np.hypot(norm, np.sqrt(summary.weight) * mean)
            target_norm = float(np.hypot(target_norm, far))
        if not plan.loss.quadratic:  # equal targets need not be the minimum of another loss
            target_norm = target_norm or far or float(np.sqrt(summary.weight))
        if isinstance(loss, Huber):  # the largest |xᵀ∇L|, by Cauchy and Schwarz: outliers do not loosen it
            target_norm = min(target_norm, loss.delta * float(np.sqrt(summary.weight)))
        return Objective(
            term=term,
            penalty=plan.penalty,
            scale=self._scale,
            fit_intercept=options.fit_intercept,
            weight=summary.weight,
            mean=mean,
            column_norm=norm,
            target_norm=target_norm,
            steepness=plan.loss.curvature_bound,
            hessian=lambda: self.curvature,
            names=self._names,
            batches=self._batches(target) if "batches" in plan.solver.needs else None,
        )

    def _batches(self, target: int) -> Batches:
        """Return the rows of one target, some at a time."""
        data, options, running, plan = self.data, self._options, self._running, self.plan
        coordinates, mean_weight = self.coordinates(target), data.summary.weight / data.summary.rows
        seed = running.seed if options.shuffle else None
        bring: Bring = partial(brought, coordinates=coordinates, target=target, mean_weight=mean_weight)
        groups: Groups
        if plan.over == "blocks":
            assert running.reader is not None
            groups = RowsInBlocks(running.reader, bring, options.shuffle_rows, seed)
        else:
            assert data.rows is not None
            groups = RowsInMemory(bring(data.rows))
        penalty, scale, weight = plan.penalty, self._scale, data.summary.weight
        free = isinstance(penalty, Ridge) and not penalty.alpha
        return Batches(
            groups=groups,
            loss=self.loss(target),
            engine=ENGINES[options.gradient],
            size=options.batch_size,
            epochs=options.epochs,
            seed=seed,
            penalty=None if free else lambda w: penalty.gradient(w / scale) / scale / weight,
            mean_weight=mean_weight,
            fit_intercept=options.fit_intercept,
        )

    @cached_property
    def curvature(self) -> Curvature:
        """∇²(L + P) in the coordinates of the descent; it does not depend on the target.

        Where it is not constant, its bound, divided by half of the loss's.
        """
        data, options, plan = self.data, self._options, self.plan
        penalty = curvature_of(plan.penalty, self._scale) / plan.loss.curvature_bound
        if data.moments is not None:
            form = self.coordinates(0).moments(data.moments, 0)
            precision = np.float32 if data.rough else np.float64
            return PrimalCurvature(form, penalty, self._scale, options.fit_intercept, precision)
        assert data.rows is not None
        parts = self.coordinates(0).rows(data.rows, 0)
        if square_fits(data.summary.rows) and type(plan.penalty) is Ridge:
            alpha = 2.0 * plan.penalty.alpha / plan.loss.curvature_bound
            return DualCurvature(parts, alpha, self._scale, options.fit_intercept)
        return RowsCurvature(parts, penalty, options.fit_intercept)

    @cached_property
    def accuracy(self) -> Accuracy:
        """How many digits float64 leaves."""
        return Accuracy(self.data, self._options, self.curvature, self.coordinates())
