"""The names that scripts rely on, and docstrings that say what the signatures say."""

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

import regress
from regress.errors import INSTALL_CLOUD, INSTALL_DASK, INSTALL_PLOT, INSTALL_TENSORFLOW

INSTALLED = (
    (INSTALL_TENSORFLOW, "tensorflow"),
    (INSTALL_PLOT, "matplotlib"),
    (INSTALL_CLOUD, "fsspec"),
    (INSTALL_DASK, "distributed"),
)
ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "regress").rglob("*.py"))
]


def members():
    """Yield every public function, class and method that is defined in the package."""
    for name in MODULES:
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            if key.startswith("_") or getattr(value, "__module__", None) != name:
                continue
            yield f"{name}.{key}", value
            if inspect.isclass(value):
                for method, function in vars(value).items():
                    if not method.startswith("_") and inspect.isfunction(function):
                        yield f"{name}.{key}.{method}", function


MEMBERS = {
    name: value
    for name, value in members()
    if inspect.isclass(value) or (inspect.isfunction(value) and "<locals>" not in value.__qualname__)
}


def test_all_names_are_there_and_no_other():
    assert regress.__all__ == sorted(regress.__all__, key=str)
    for name in regress.__all__:
        assert getattr(regress, name) is not None
    assert set(dir(regress)) == set(regress.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        regress.nothing  # noqa: B018  the access is what is tested


def test_the_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", regress.__version__)


FILES = (
    "delimiter decimal encoding quotechar header skip_lines comment escapechar on_bad_lines rejects max_bad_lines "
    "thousands na_values keep_na date_format "
)
TABLE = FILES + "formula features drop weights weight_type categorical ref max_categories as_written missing "
TABLE += "test_size split_key random_state "
TRAINING = (
    "fit_intercept alpha loss epsilon huber_scale penalty solver gradient over standardize learning_rate max_iter "
)
TRAINING += "tol precision batch_size epochs schedule momentum nesterov shuffle optimizer "
PROCESS = "init validation early_stopping max_seconds monitor_every callbacks verbose checkpoint checkpoint_every "
PROCESS += "checkpoint_seconds resume "
SIGNATURES = {
    "fit": "table target cov_type level sample points retransform n_jobs progress cluster cluster_timeout collinear "
    + TABLE
    + TRAINING
    + PROCESS
    + "shuffle_rows",
    "certify": "other table target digits rows n_jobs progress cluster cluster_timeout fit_intercept alpha collinear "
    + TABLE,
    "LinearRegressor": TRAINING + "random_state warm_start n_jobs",
    "compare": "table target digits rows n_jobs progress estimators metrics cv split_time cluster cluster_timeout "
    + "fit_intercept tol "
    + TABLE,
    "check_gradients": "table target n_jobs progress fit_intercept " + TABLE,
    "inspect": "table target formula categorical progress " + FILES,
    "load": "path",
    "load_moments": "path",
    "moments": "table target sample n_jobs progress cluster cluster_timeout " + TABLE,
    "table": "fits names intervals stars",
    "to_keras": "model",
    "to_sklearn": "model",
    "verify": "model table target weights n_jobs progress cluster cluster_timeout " + FILES,
    "write_report": "result path descent command",
}
ATTRIBUTES = {
    "Fit": (
        "w b names model loss status n_iter history coefficients summary predict predict_one predict_interval save "
        "to_dict digits "
        "intercept_digits digits_at_least statistics r2 r2_test solver over precision rank target options params bse "
        "tvalues pvalues conf_int cov_params rsquared rsquared_adj aic bic llf nobs df_model df_resid fvalue f_pvalue "
        "vif"
    ),
    "Certificate": "digits intercept_digits gradient_norm excess_loss passed table summary to_dict",
    "LinearModel": "w b names predict predict_one predict_interval summary",
    "Comparison": "table agree metrics folds to_dict",
    "GradientCheck": "table passed",
    "Inspection": "label address read_as rows bad sampled columns remarks command targets formula terms to_dict",
    "ModelTable": "names records to_markdown to_latex to_html to_csv to_frame",
    "TableMoments": "target names n_rows parts fingerprint save",
    "Verification": "matches fingerprint model_fingerprint rows model_rows differences summary to_dict",
    "LinearRegressor": "fit partial_fit forget predict score get_params set_params",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_scripts_may_rely_on_arguments(name):
    parameters = inspect.signature(getattr(regress, name)).parameters
    assert set(parameters) == set(SIGNATURES[name].split())


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_scripts_may_rely_on_attributes(name):
    value = getattr(regress, name)
    assert set(ATTRIBUTES[name].split()) <= set(dir(value)) | set(getattr(value, "__annotations__", ()))


def test_input_errors_are_value_errors_and_errors_of_this_package():
    assert issubclass(regress.InputError, ValueError)
    assert issubclass(regress.InputError, regress.RegressError)
    assert not issubclass(regress.RegressError, ValueError)


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_the_public_functions_document_their_parameters(name):
    assert "Parameters\n----------\n" in inspect.getdoc(getattr(regress, name))


def test_everything_public_has_a_docstring():
    assert len(MEMBERS) > 1000
    assert not [name for name, value in MEMBERS.items() if not inspect.getdoc(value)]


@pytest.mark.parametrize("name", [n for n, v in MEMBERS.items() if "Parameters\n" in (inspect.getdoc(v) or "")])
def test_documented_parameters_are_those_of_the_signature(name):
    value = MEMBERS[name]
    parameters = [p for p in inspect.signature(value).parameters.values() if p.name not in ("self", "progress")]
    text = (inspect.getdoc(value) or "").split("Parameters\n----------\n")[1]
    text = re.split(r"\n\n\w+\n-+\n", text)[0]
    headings = re.findall(r"^(\S.*)$", text, re.MULTILINE)
    documented = {word.strip(" *") for line in headings for word in line.split(" : ")[0].split(",")}
    assert documented - {"progress"} == {p.name for p in parameters}


def test_install_lines_are_constants_that_the_project_honours():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line, package in INSTALLED:
        extra = re.fullmatch(r"pip install '\.\[(\w+)\]'", line).group(1)
        assert any(line.startswith(package) for line in project["optional-dependencies"][extra])
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for line in re.findall(r"pip install '[^']*\[[^']*'", page.read_text(encoding="utf-8")):
            assert line in [line for line, _ in INSTALLED] or page.name == "benchmarks.md"
            assert set(line.split("[")[1].split("]")[0].split(",")) <= set(project["optional-dependencies"])
    for path in (ROOT / "regress").rglob("*.py"):
        if path.name != "errors.py":
            assert "pip install" not in path.read_text(encoding="utf-8")
