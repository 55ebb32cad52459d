"""What a fit that ended early warns of: why, where, and what can be done."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest

import regress
from regress import ConvergenceWarning, LinearRegressor

RNG = np.random.default_rng(8)
TABLE = pd.DataFrame({"a": RNG.normal(size=60), "b": RNG.normal(size=60)}).assign(y=lambda t: 2.0 * t.a - t.b + 1.0)
BATCHES = {"solver": "sgd", "epochs": 2, "tol": 1e-300}


def warned(**options):
    """Return the one warning of a fit on its end, which is also a note."""
    with pytest.warns(ConvergenceWarning) as caught:
        fit = regress.fit(TABLE, "y", **options)
    (said,) = [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert said in fit.notes()
    assert not fit.status.as_asked
    return said


def divides(state, record):
    return 1 / 0


def fails_inside(state, record):
    math.sqrt(np.float64(-1.0))


class Silent(Exception):
    """An error without text."""


def raises(error, state, record):
    raise error


@pytest.mark.parametrize("options", [BATCHES, {"solver": "gd", "learning_rate": 1e-3}], ids=str)
@pytest.mark.parametrize(
    ("callback", "raised"),
    [
        (
            divides,
            f"ZeroDivisionError in test_endings.py, line {divides.__code__.co_firstlineno + 1}: division by zero.",
        ),
        (fails_inside, f"ValueError in test_endings.py, line {fails_inside.__code__.co_firstlineno + 1}: "),
        (partial(raises, Silent()), f"Silent in test_endings.py, line {raises.__code__.co_firstlineno + 1}."),
        (partial(raises, OSError("a\n b.")), f"line {raises.__code__.co_firstlineno + 1}: a b. "),
    ],
    ids=["divides", "inside", "silent", "lines"],
)
def test_an_error_in_a_callback_is_named_with_its_type_text_and_place(options, callback, raised):
    said = warned(callbacks=[callback], **options)
    assert said.startswith("An error in a callback stopped training. The callback raised ")
    assert raised in said
    assert said.endswith("Correct the callback.")


def interrupts(state, record):
    if record.iteration == 3:
        raise KeyboardInterrupt


def test_an_interrupted_fit_says_how_to_go_on(tmp_path):
    path = tmp_path / "run.ckpt"
    options = {"solver": "gd", "learning_rate": 1e-3}
    said = warned(callbacks=[interrupts], checkpoint=path, **options)
    assert said.endswith(f"Training is saved to {path}: add resume=True to continue.")
    said = warned(callbacks=[interrupts], **options)
    assert said.endswith("To be able to continue the next time, add checkpoint.")


@pytest.mark.parametrize("solver", ["sgd", "averaged-sgd", "adam"])
def test_after_all_epochs_the_remedy_is_another_than_what_ran(solver):
    options = BATCHES | {"solver": solver}
    fall = "Raise epochs, let the learning rate fall by schedule='cosine', or use solver='auto'."
    assert warned(**options).endswith(fall)
    with pytest.warns(UserWarning, match="All epochs") as caught:  # the class is scikit-learn's
        LinearRegressor(**options).fit(TABLE[["a", "b"]], TABLE.y)
    assert str(caught[0].message).endswith(fall)
    for falls in ({"schedule": "cosine"}, {"learning_rate": lambda t: 1e-3 / (t + 1)}):
        assert warned(**options, **falls).endswith("Raise epochs, or use solver='auto'.")


def test_the_remedy_of_a_keras_optimizer_is_one_that_it_takes():
    keras = pytest.importorskip("tensorflow").keras
    said = warned(optimizer=keras.optimizers.SGD(1e-3), gradient="autodiff", epochs=2, tol=1e-300)
    assert said.endswith("Raise epochs, let the learning rate of the optimizer fall, or remove optimizer.")
