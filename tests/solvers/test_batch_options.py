"""What mini-batches cannot be combined with: each is refused in one sentence, in the words of the interface."""

from dataclasses import replace

import numpy as np
import pytest

import regress
from regress.errors import InputError
from regress.messages import speaking_flags
from regress.objective.losses import Loss
from regress.options import ProcessOptions, TrainOptions
from regress.solvers import choose
from regress.solvers.steps import GradientDescent
from tests.command import run

random = np.random.default_rng(3)
X = random.normal(size=(30, 2))
y = X @ [1.0, 2.0] + random.normal(size=30)


class Whole(Loss):
    """Not a sum over rows."""

    separable = False
    curvature_bound = 2.0

    def value(self, prediction, target, weights, xp):
        return xp.sum((prediction - target) ** 2)

    def gradient(self, prediction, target, weights):
        return 2.0 * (prediction - target)


def halved(t):
    return 0.01 / (1 + t)


SGD = {"solver": "sgd"}
CASES = {  # options, the sentence in Python, and with flags
    "batch_size": ({"batch_size": 8}, "batch_size needs mini-batches. Use solver='sgd', averaged-sgd or adam.", None),
    "epochs": (
        {"epochs": 3, "solver": "gd"},
        "epochs needs mini-batches. Use solver='sgd', averaged-sgd or adam.",
        "--epochs needs mini-batches. Use --solver sgd, averaged-sgd or adam.",
    ),
    "schedule": (
        {"schedule": "cosine", "solver": "cg"},
        "schedule needs mini-batches.",
        "--schedule needs mini-batches.",
    ),
    "momentum": ({"momentum": 0.5}, "momentum needs mini-batches.", "--momentum needs mini-batches."),
    "nesterov": ({"nesterov": True}, "nesterov needs mini-batches.", "--nesterov needs mini-batches."),
    "shuffle": ({"shuffle": False}, "shuffle needs mini-batches.", "--shuffle needs mini-batches."),
    "shuffle_rows": ({"shuffle_rows": 9}, "shuffle_rows needs mini-batches.", "--shuffle-rows needs mini-batches."),
    "blocks": (
        {"over": "blocks"},
        "over='blocks' needs mini-batches. Use solver='sgd', or remove it.",
        "--over blocks needs mini-batches. Use --solver sgd, or remove it.",
    ),
    "function": (
        {"learning_rate": halved, "solver": "gd"},
        "A function as learning_rate needs mini-batches. Use solver='sgd', or a number.",
        None,
    ),
    "momentum of adam": (
        {"solver": "adam", "momentum": 0.5},
        "momentum needs solver='sgd' or averaged-sgd.",
        "--momentum needs --solver sgd or averaged-sgd.",
    ),
    "nesterov of adam": (
        {"solver": "adam", "nesterov": True},
        "nesterov needs solver='sgd' or averaged-sgd.",
        "--nesterov needs --solver sgd or averaged-sgd.",
    ),
    "nesterov alone": (
        SGD | {"nesterov": True},
        "nesterov=True needs momentum. Add momentum=0.9.",
        "--nesterov needs momentum. Add --momentum 0.9.",
    ),
    "schedule and function": (
        SGD | {"schedule": "step", "learning_rate": halved},
        "schedule and a function as learning_rate are both given. Remove one.",
        None,
    ),
    "max_iter": (
        SGD | {"max_iter": 5},
        "max_iter is not for mini-batches. Use epochs.",
        "--max-iter is not for mini-batches. Use --epochs.",
    ),
    "moments": (
        SGD | {"over": "moments"},
        "over='moments' has no rows for mini-batches. Use over='rows'.",
        "--over moments has no rows for mini-batches. Use --over rows.",
    ),
    "not a sum": (SGD | {"loss": Whole()}, "The loss Whole is not a sum over rows, so it takes no mini-batches.", None),
    "exact": (
        SGD | {"precision": "exact"},
        "precision='exact' needs solver='newton' or auto; got 'sgd'.",
        "--precision exact needs --solver newton or auto; got 'sgd'.",
    ),
    "an optimizer alone": ({"optimizer": object()}, "optimizer needs gradient='autodiff'.", None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_combined_is_refused_in_a_sentence(case):
    options, python, flags = CASES[case]

    def refused():
        with pytest.raises(InputError) as said:
            choose.reading(TrainOptions(**options))
        return str(said.value)

    assert refused().startswith(python)
    if flags is not None:
        with speaking_flags():
            assert refused().startswith(flags)


@pytest.mark.parametrize("name", ["batch_size", "epochs", "shuffle_rows"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "8", None, True])
def test_counts_are_counts(name, value):
    with pytest.raises(InputError, match=name):
        TrainOptions(**SGD, **{name: value})


@pytest.mark.parametrize("value", [1.0, -0.1, "0.9", np.nan, None])
def test_momentum_is_below_1(value):
    with pytest.raises(InputError, match="momentum"):
        TrainOptions(**SGD, momentum=value)


def test_a_given_default_is_no_option():
    choose.reading(TrainOptions(batch_size=256, epochs=100, schedule="constant", momentum=0.0, shuffle=True))
    choose.reading(replace(TrainOptions(**SGD), solver="averaged-sgd"))
    choose.reading(TrainOptions(solver=GradientDescent(0.1)))


PROCESS = {
    "early stopping": ({"early_stopping": 0}, "early_stopping must be an integer of at least 1"),
    "patience": ({"early_stopping": {"wait": 3}}, "early_stopping has no 'wait'. It takes patience and min_delta."),
    "min_delta": ({"early_stopping": {"min_delta": -1.0}}, "min_delta must be a finite number of at least 0"),
    "seconds": ({"max_seconds": 0}, "max_seconds must be a finite number above 0"),
    "every": ({"monitor_every": 0}, "monitor_every must be an integer of at least 1"),
    "callbacks": ({"callbacks": [3]}, r"callbacks must be functions \(state, record\); got 3"),
}


@pytest.mark.parametrize("case", PROCESS)
def test_options_of_the_process_are_checked(case):
    options, words = PROCESS[case]
    with pytest.raises(InputError, match=words):
        ProcessOptions(**options)


def test_early_stopping_is_patience_and_min_delta():
    assert ProcessOptions(early_stopping=3).patience == {"patience": 3, "min_delta": 0.0}
    assert ProcessOptions(early_stopping={"min_delta": 2}).patience == {"patience": 5, "min_delta": 2.0}
    assert ProcessOptions().patience is None


@pytest.mark.parametrize(
    ("options", "flags", "python", "said"),
    [
        (
            {"early_stopping": 3},
            ["--early-stopping", 3],
            "early_stopping needs a descent, but the default solution takes no steps. Name a solver, such as "
            "solver='accelerated'.",
            "--early-stopping needs a descent, but the default solution takes no steps. Name a solver, such as "
            "--solver accelerated.",
        ),
        (
            {"early_stopping": 3, "solver": "gd"},
            ["--early-stopping", 3, "--solver", "gd"],
            "early_stopping needs rows to validate on. Use test_size=0.2, or validation.",
            "--early-stopping needs rows to validate on. Use --test-size 0.2, or --validation.",
        ),
        (
            {"validation": (X, y), "test_size": 0.5},
            ["--validation", "t.csv", "--test-size", 0.5],
            "validation and test_size are both given. Remove one of them.",
            "--validation and --test-size are both given. Remove one of them.",
        ),
    ],
)
def test_validation_is_asked_for_in_the_words_of_the_interface(options, flags, python, said, write):
    with pytest.raises(InputError, match=python):
        regress.fit(X, y, **options)
    path = write("x,z,y\n" + "".join(f"{a},{b},{c}\n" for (a, b), c in zip(X.tolist(), y.tolist(), strict=True)))
    code, _, err = run("fit", path, "--target", "y", *flags)
    assert code == 2
    assert said in err
