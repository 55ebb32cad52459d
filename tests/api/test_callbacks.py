"""scikit-learn's callbacks on the estimator, by scikit-learn's own callbacks."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score

from regress import LinearRegressor

callback = pytest.importorskip("sklearn.callback")  # scikit-learn 1.9

random = np.random.default_rng(11)
X = random.normal(size=(400, 3))
y = X @ [1.0, -2.0, 0.5] + 3.0 + random.normal(size=400)


class Recorder:
    """Follows the protocol, and keeps what it is called with."""

    def __init__(self, stop_at=None, fail=False):
        self.calls, self.fitted, self.stop_at, self.fail = [], [], stop_at, fail

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.task_name, context.task_id, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id, context.max_subtasks))
        self.fitted.append((fitted_estimator, X, metadata))
        if self.fail and context.task_name == "epoch":
            raise RuntimeError("this callback fails")
        return context.task_name == "epoch" and context.task_id == self.stop_at


def estimator(**options):
    return LinearRegressor(**{"solver": "sgd", "epochs": 4, "batch_size": 50, "tol": 1e-300} | options)


def test_every_epoch_is_a_task(recwarn):
    seen = Recorder()
    estimator().set_callbacks(seen).fit(X, y)
    epochs = [(which, "epoch", k, 0) for k in range(4) for which in ("begin", "end")]
    assert seen.calls == ["setup", ("begin", "fit", 0, 4), *epochs, ("end", "fit", 0, 4), "teardown"]


@pytest.mark.filterwarnings("ignore::regress.errors.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "options", [{}, {"fit_intercept": False}, {"solver": "averaged-sgd"}, {"solver": "adam"}], ids=str
)
def test_the_estimator_after_each_epoch_is_that_of_as_many_epochs(options, dtype):
    seen = Recorder()
    rows = X.astype(dtype)
    estimator(**options).set_callbacks(seen).fit(rows, y)
    for epochs, (fitted, *_) in enumerate(seen.fitted[:-1], 1):
        alone = estimator(**{**options, "epochs": epochs}).fit(rows, y)
        assert fitted.coef_.tobytes() == alone.coef_.tobytes()
        assert fitted.intercept_ == alone.intercept_
        assert fitted.predict(rows).tobytes() == alone.predict(rows).tobytes()
        assert fitted.coef_.dtype == dtype


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scores_of_every_epoch_are_logged():
    monitor = callback.ScoringMonitor(scoring="r2")
    fitted = estimator().set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data_as_pandas
    by_task = {tuple(path): r2 for path, r2 in zip(log["task_id_path"], log["r2"], strict=True)}
    assert [*by_task] == [(0,), *((0, k) for k in range(4))]
    assert by_task[0,] == r2_score(y, fitted.predict(X))
    for k in range(4):
        assert by_task[0, k] == r2_score(y, estimator(epochs=k + 1).fit(X, y).predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_progress_bar_of_scikit_learn_runs(capsys):
    pytest.importorskip("rich")
    quiet, shown = estimator().fit(X, y), estimator().set_callbacks(callback.ProgressBar()).fit(X, y)
    assert quiet.coef_.tobytes() == shown.coef_.tobytes()
    assert "LinearRegressor" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_targets_have_a_task_each():
    seen = Recorder()
    fitted = estimator(epochs=2).set_callbacks(seen).fit(X, np.c_[y, -y], np.full(400, 2.0))
    targets = [(name, k) for kind, name, k, _ in seen.calls[1:-1] if kind == "end"]
    assert targets == [
        ("epoch", 0),
        ("epoch", 1),
        ("target 0", 0),
        ("epoch", 0),
        ("epoch", 1),
        ("target 1", 1),
        ("fit", 0),
    ]
    assert [one for one, *_ in seen.fitted[:-1]] == [None] * 6
    last, rows, metadata = seen.fitted[-1]
    assert last.coef_.tobytes() == fitted.coef_.tobytes()
    assert rows is X
    assert metadata["sample_weight"].tolist() == [2.0] * 400


@pytest.mark.parametrize("options", [{"solver": "auto"}, {"solver": "gd"}], ids=str)
def test_a_fit_without_epochs_is_one_task(options):
    seen = Recorder()
    options = {"tol": 1e-10, "epochs": 100, "batch_size": 256, **options}
    fitted = estimator(**options).set_callbacks(seen).fit(X, y)
    assert seen.calls == ["setup", ("begin", "fit", 0, 0), ("end", "fit", 0, 0), "teardown"]
    assert seen.fitted[0][0].coef_.tobytes() == fitted.coef_.tobytes()


def test_a_callback_ends_training():
    seen = Recorder(stop_at=1)
    with pytest.warns(UserWarning, match="A callback stopped training"):
        stopped = estimator(epochs=50).set_callbacks(seen).fit(X, y)
    assert stopped.status_ == "callback"
    with pytest.warns(UserWarning, match="All epochs"):
        assert stopped.coef_.tobytes() == estimator(epochs=2).fit(X, y).coef_.tobytes()


def test_an_error_of_a_callback_is_raised_and_callbacks_are_torn_down():
    seen = Recorder(fail=True)
    with pytest.raises(RuntimeError, match="this callback fails"):
        estimator().set_callbacks(seen).fit(X, y)
    assert seen.calls[-1] == "teardown"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_clone_keeps_its_callbacks_and_two_dimensions_stay():
    seen = Recorder()
    fitted = clone(estimator(epochs=2).set_callbacks(seen)).fit(X, y[:, None])
    assert seen.calls[0] == "setup"
    assert seen.fitted[1][0].coef_.shape == fitted.coef_.shape == (1, 3)
    assert seen.fitted[1][0].predict(X).tobytes() == fitted.predict(X).tobytes()


def test_an_older_scikit_learn_is_named():
    script = """
import sys, warnings
sys.modules["sklearn.callback"] = None  # as where it is missing
import numpy as np, regress, sklearn
fitted = regress.LinearRegressor(solver="averaged-sgd", tol=0.5).fit(np.eye(9)[:, :2], np.arange(9.0))
print(fitted.status_)
try:
    fitted.set_callbacks(1)
except regress.MissingDependencyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    import sklearn

    assert done.stdout == (
        f"converged\nset_callbacks needs scikit-learn 1.9 or later; {sklearn.__version__} is installed. "
        "Update scikit-learn.\n"
    )
