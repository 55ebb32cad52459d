"""The tape against the derived gradient, in every form it is compiled in."""

import subprocess
import sys

import numpy as np
import pytest

from regress.errors import INSTALL_TENSORFLOW, InputError
from regress.objective import autodiff, gradient
from regress.objective.gradient import Rows
from regress.objective.losses import MomentForm, QuadraticForm, SquaredError

pytestmark = pytest.mark.tensorflow
random = np.random.default_rng(11)
X, y, a, w, b = random.normal(size=(200, 4)), random.normal(size=200), random.uniform(1, 2, 200), np.arange(4.0), 0.3


def same(one, other):
    assert one.value == pytest.approx(other.value, rel=1e-13)  # two orders of summation of 200 terms
    assert one.grad_w == pytest.approx(other.grad_w, rel=1e-12)
    assert one.grad_b == pytest.approx(other.grad_b, rel=1e-12)
    assert one.grad_w.dtype == np.float64


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("weights", [None, a])
def test_the_tape_over_rows_gives_the_derived_gradient(weights, compiled, monkeypatch):
    monkeypatch.setattr(autodiff, "_COMPILE_ABOVE", 0 if compiled else 2**60)
    a = np.ones(200) if weights is None else weights
    parts = [Rows(X[i : i + 90], y[i : i + 90], 1.0 if weights is None else a[i : i + 90]) for i in (0, 90, 180)]
    (rows,) = autodiff.prepare_rows(parts)
    same(autodiff.rows(SquaredError(), rows, w, b), gradient.rows(SquaredError(), Rows(X, y, a), w, b))


def test_the_tape_over_moments_gives_the_derived_gradient():
    form = MomentForm(200.0, X.mean(0), X.T @ X, X.T @ y, float(y @ y), 0.25)
    same(autodiff.moments(form, w, b), gradient.moments(form, w, b))


def test_a_tape_agrees_with_the_general_quadratic_form():
    form = QuadraticForm(random.normal(size=(200, 200)))
    (rows,) = autodiff.prepare_rows([Rows(X, y)], form.separable)
    same(autodiff.rows(form, rows, w, b), gradient.rows(form, Rows(X, y), w, b))


def test_a_loss_that_cannot_be_a_key_is_refused_with_the_remedy():
    class Changeable(SquaredError):
        __hash__ = None

    (rows,) = autodiff.prepare_rows([Rows(X, y)])
    with pytest.raises(InputError, match=r"Declare Changeable with @dataclass\(frozen=True\)"):
        autodiff.rows(Changeable(), rows, w, b)


def test_without_tensorflow_the_error_holds_the_install_line():
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "import numpy as np, regress\n"
        "try: regress.fit(np.eye(3), np.arange(3.0), gradient='autodiff')\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert INSTALL_TENSORFLOW in said


@pytest.mark.slow
def test_tensorflow_starts_and_compiles_without_a_word():
    code = (
        "import numpy as np\nfrom regress.objective import autodiff\nfrom regress.objective.gradient import Rows\n"
        "from regress.objective.losses import SquaredError\n"
        "autodiff._COMPILE_ABOVE = 0\n(rows,) = autodiff.prepare_rows([Rows(np.eye(3), np.ones(3))])\n"
        "autodiff.rows(SquaredError(), rows, np.ones(3), 0.0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
