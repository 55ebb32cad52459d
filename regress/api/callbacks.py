"""scikit-learn's callbacks on the estimator: the protocol of scikit-learn 1.9."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, cast

import numpy as np
import sklearn

from regress.api.estimator_rows import Table
from regress.errors import MissingDependencyError
from regress.numerics import error_free
from regress.options import TrainOptions
from regress.solvers.choose import batched
from regress.solvers.course import Iteration
from regress.solvers.solution import Training
from regress.solvers.state import State
from regress.solvers.train import Regression
from regress.solvers.watch import Callback

__all__ = ["CallbackSupport", "Tasks", "with_callbacks"]  # the first is scikit-learn's, by another name
F = TypeVar("F", bound=Callable[..., Any])

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks as _managed

    SUPPORTED = True
except ImportError:  # before scikit-learn 1.9
    SUPPORTED = False

    class CallbackSupport:  # type: ignore[no-redef]  # one of the two is there
        """What stands for scikit-learn's mixin where that is missing."""

        def set_callbacks(self, *callbacks: Any) -> NoReturn:
            """Refuse callbacks."""
            raise MissingDependencyError(
                f"set_callbacks needs scikit-learn 1.9 or later; {sklearn.__version__} is installed. "
                "Update scikit-learn."
            )


def with_callbacks(method: F) -> F:
    """Return a method ``fit`` after which callbacks are torn down, however it ends."""
    return cast("F", _managed(method)) if SUPPORTED else method


class Tasks:
    """The tasks of one fit: the fit itself, below it one a target where there are several, and below those the epochs.

    Solvers that take all rows an update have no tasks below. An epoch's task begins and ends when the epoch is over,
    since only then it is known whether the descent went on.

    Parameters
    ----------
    estimator : LinearRegressor
        What is fitted.
    given : mapping
        "X", "y" and "sample_weight", as they were given to ``fit``.
    table : Table
        The same rows, checked.
    options : TrainOptions
        How it is trained.
    """

    def __init__(self, estimator: Any, given: Mapping[str, Any], table: Table, options: TrainOptions) -> None:
        self._estimator, self._table = estimator, table
        weights = given["sample_weight"]
        metadata = None if weights is None else {"sample_weight": weights}
        self._given = {"estimator": estimator, "X": given["X"], "y": given["y"], "metadata": metadata}
        self._epochs, self._targets = options.epochs if batched(options) else 0, table.Y.shape[1]
        self._root: Any = None
        if SUPPORTED:
            count = self._targets if self._targets > 1 else self._epochs
            self._root = estimator._init_callback_context(max_subtasks=count)
            self._root.call_on_fit_task_begin(**self._given)

    def train(self, regression: Regression, target: int, train: Callable[[Sequence[Callback]], Training]) -> Training:
        """Train on one target, with callbacks at the end of each epoch; raise what a callback raised."""
        if self._root is None:
            return train(())
        task = self._root
        if self._targets > 1:
            task = task.subcontext(task_name=f"target {target}", max_subtasks=self._epochs)
            task.call_on_fit_task_begin(**self._given)

        def after(state: State, record: Iteration) -> str | None:
            if not record.epoch:
                return None
            epoch = task.subcontext(task_name="epoch").call_on_fit_task_begin(**self._given)
            learned = (
                {} if self._targets > 1 else {"reconstruction_attributes": lambda: self._learned(regression, state)}
            )
            return "stop" if epoch.call_on_fit_task_end(**self._given, **learned) else None

        trained = train([after] if self._epochs else ())
        if trained.error is not None:
            raise trained.error
        if self._targets > 1:
            task.call_on_fit_task_end(**self._given)
        return trained

    def end(self, learned: Mapping[str, Any]) -> None:
        """End the task of the fit, with what the estimator learned by attribute."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._given, reconstruction_attributes=lambda: dict(learned))

    def _learned(self, regression: Regression, state: State) -> dict[str, Any]:
        """Return what the estimator has learned of its one target when it is at a state, by attribute."""
        coordinates, several = regression.coordinates(0), bool(self._table.shape)
        w, level = coordinates.to_user(state.w, state.b)
        b = error_free.dot(-coordinates.origin, w, level)
        return {
            "coef_": (w[None, :] if several else w).astype(self._table.dtype),
            "intercept_": np.array([b] if several else b).astype(self._table.dtype)[()],
            "_center": coordinates.origin,
            "_at_center": np.array([level]) if several else level,
        }
