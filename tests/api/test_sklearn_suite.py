"""scikit-learn's own tests of LinearRegression and Ridge hold for LinearRegressor, wherever it has what they test.

Three seeds by default; all hundred of scikit-learn's with SKLEARN_TESTS_GLOBAL_RANDOM_SEED=all, as in its own suite.
"""

import os
from itertools import chain
from types import CodeType, FunctionType

import pytest
from scipy import sparse
from sklearn.linear_model.tests import test_base, test_common, test_ridge

from regress import LinearRegressor

EXCLUDED = {
    "sparse tables are refused": [
        "test_base_linear_regression_sparse",
        "test_base_linear_regression_sparse_equal_dense",
        "test_base_linear_regression_sparse_multiple_outcome",
        "test_ridge_sparse_design_with_sample_weights",
        "test_ridge_ridge_fit_intercept_sparse",
        "test_ridge_ridge_fit_intercept_sparse_error",
        "test_ridge_ridge_fit_intercept_sparse_sag",
    ],
    "there is no positive=": [
        "test_base_raises_value_error_if_positive_and_sparse",
        "test_base_linear_regression_positive",
        "test_base_linear_regression_positive_multiple_outcome",
        "test_base_linear_regression_positive_vs_nonpositive",
        "test_base_linear_regression_positive_vs_nonpositive_when_positive",
        "test_ridge_ridge_positive_regression_test",
        "test_ridge_ridge_ground_truth_positive_test",
        "test_ridge_ridge_positive_error_test",
        "test_ridge_positive_ridge_loss",
        "test_ridge_lbfgs_solver_error",
    ],
    "arrays of NumPy only": [
        "test_base_array_api_move_estimator_to",
        "test_ridge_array_api_error_and_warnings_for_solver_parameter",
        "test_ridge_array_api_numpy_namespace_no_warning",
    ],
    "one penalty serves all targets": [
        "test_ridge_dtype_match_cholesky",
        "test_ridge_ridge_individual_penalties",
        "test_ridge_ridge_per_target_alpha_array_api",
    ],
    "steps are those of Ridge's own solvers": ["test_ridge_n_iter"],
    "y of one column gives coef_ of one row, as LinearRegression does and Ridge does not": [
        "test_ridge_ridge_shapes_type"
    ],
    "X is never written to, so there is no copy_X=False, which must change it": [
        "test_base_inplace_data_preprocessing"
    ],
}

SPARSE = sparse.sparray, sparse.spmatrix


class LinearRegression(LinearRegressor):
    """LinearRegressor, called as theirs are: their tolerances, limits and random states do not apply."""

    n_jobs = None

    def __init__(self, alpha=0.0, *, fit_intercept=True, solver="auto", **theirs):
        assert not theirs.get("positive")
        self.alpha, self.fit_intercept, self.solver = alpha, fit_intercept, solver

    def fit(self, X, y, sample_weight=None):
        fitted = LinearRegressor(alpha=self.alpha, fit_intercept=self.fit_intercept).fit(X, y, sample_weight)
        learnt = {name: value for name, value in vars(fitted).items() if name.startswith("_") or name.endswith("_")}
        vars(self).update(learnt, solver_=self.solver)
        return self


class Ridge(LinearRegression):
    def __init__(self, alpha=1.0, *, fit_intercept=True, solver="auto", **theirs):
        super().__init__(alpha, fit_intercept=fit_intercept, solver=solver, **theirs)


def seeds():
    given = os.environ.get("SKLEARN_TESTS_GLOBAL_RANDOM_SEED", "0-2")
    first, _, last = ("0-99" if given == "all" else given).partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.fixture(params=seeds())
def global_random_seed(request):
    return request.param


ols_ridge_dataset = test_ridge.ols_ridge_dataset  # a fixture


def mentioned(code):
    """Return the global names that a function uses, and those within it."""
    return {*code.co_names, *chain(*(mentioned(part) for part in code.co_consts if isinstance(part, CodeType)))}


def dense(mark):
    """Return a mark without its sparse cases, and with the first solver only."""
    if mark.name != "parametrize":
        return mark
    names = mark.args[0].replace(" ", "").split(",")
    cases = [getattr(case, "values", case if len(names) > 1 else (case,)) for case in mark.args[1]]
    kept = [case for case in cases if not any(isinstance(value, type) and issubclass(value, SPARSE) for value in case)]
    return pytest.mark.parametrize(names, kept[:1] if names == ["solver"] else kept).mark


def adopted(test, name):
    """Return a test with our estimators in place of scikit-learn's."""
    space = {**test.__globals__, "LinearRegression": LinearRegression, "Ridge": Ridge}
    ours = FunctionType(test.__code__, space, name, test.__defaults__, test.__closure__)
    ours.pytestmark = [dense(mark) for mark in getattr(test, "pytestmark", ())]
    return ours


THEIRS = {  # but for those of RidgeCV, which fits by itself
    f"{module.__name__.rpartition('.')[2]}_{name.removeprefix('test_')}": test
    for module in (test_base, test_ridge)
    for name, test in vars(module).items()
    if name.startswith("test_") and "cv" not in name and mentioned(test.__code__) & {"LinearRegression", "Ridge"}
}
OUT = set(chain(*EXCLUDED.values()))
globals().update({name: adopted(test, name) for name, test in THEIRS.items() if name not in OUT})


@pytest.mark.parametrize("model", [LinearRegression(), Ridge()])
@pytest.mark.parametrize("with_sample_weight", [False, True])
def test_common_balance_property(model, with_sample_weight, global_random_seed):
    test_common.test_balance_property(model, with_sample_weight, global_random_seed)


def test_every_exclusion_is_of_a_test_that_exists():
    assert set(THEIRS) >= OUT
