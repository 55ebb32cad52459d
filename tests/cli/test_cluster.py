"""The flags of a cluster: the same bits as in this process, and refusals in a sentence."""

import json

import numpy as np
import pytest

import regress
from regress.api import compare, other_tools
from tests.command import run

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def address():
    """Start a cluster of two processes; return its address."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Write five parts of a table; return a glob of them."""
    folder, random = tmp_path_factory.mktemp("parts"), np.random.default_rng(4)
    for part in range(5):
        rows = random.normal(size=(60, 3)).round(4)
        lines = [f"{x},{'abc'[k]},{z},{x + y}" for (x, y, z), k in zip(rows, random.integers(3, size=60), strict=True)]
        (folder / f"p{part}.csv").write_text("\n".join(["x,k,z,y", *lines, ""]))
    return str(folder / "p*.csv")


def same(one, other):
    """Compare two fits by all that a file holds of them, but for how they came about."""
    held = [json.loads(path.read_text()) for path in (one, other)]
    assert held[0]["record"]["fingerprint"] == held[1]["record"]["fingerprint"] != ""
    for name in ("w", "b", "center", "b_center", "loss"):
        assert held[0][name] == held[1][name]
    assert held[0]["record"]["coefficients"] == held[1]["record"]["coefficients"]


@pytest.mark.parametrize("options", [[], ["--test-size", "0.3"], ["--cov-type", "HC1"]])
def test_a_fit_has_the_bits_of_one_process(address, parts, tmp_path, options):
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    assert run("fit", parts, "--target", "y", *options, "--precision", "exact", "--save", here)[0] == 0
    code, _, err = run("fit", parts, "--target", "y", *options, "--cluster", address, "--save", there)
    assert (code, err) == (0, "")
    same(here, there)


def test_moments_certify_and_verify_take_a_cluster(address, parts, tmp_path):
    here, there, model = tmp_path / "here.moments", tmp_path / "there.moments", tmp_path / "m.json"
    _, out, _ = run("moments", parts, "--target", "y", "-o", here)
    code, other, err = run("moments", parts, "--target", "y", "-o", there, "--cluster", address)
    assert (code, err) == (0, "")
    assert out.splitlines()[2] == other.splitlines()[2]
    regress.load_moments(there)
    run("fit", here, "--save", model)
    assert run("verify", model, parts, "--cluster", address)[0] == 0
    code, out, _ = run("certify", model, parts, "--cluster", address)
    assert (code, out) == (0, run("certify", model, parts)[1])


def test_the_second_pass_of_certify_runs_on_the_cluster(address, parts):
    fit = regress.fit(parts, "y")
    claim = dict(zip(fit.names, fit.w * (1 + 1e-5), strict=True)), fit.b
    here = regress.certify(claim, parts, "y", digits=9)
    there = regress.certify(claim, parts, "y", digits=9, cluster=address)
    assert here.moved == there.moved is not None
    assert here.to_dict() == there.to_dict()


def test_the_reference_of_a_comparison_is_summed_by_the_cluster(address, parts, monkeypatch):
    class Found(Exception):
        """The fit that all others are measured against."""

    def judge(block, summary, fit_intercept, best):
        raise Found(best)

    monkeypatch.setattr(compare, "Judge", judge)
    with pytest.raises(Found) as here:
        regress.compare(parts, "y")
    monkeypatch.setattr(other_tools, "best", None)  # which sums here
    with pytest.raises(Found) as there:
        regress.compare(parts, "y", cluster=address)
    one, other = here.value.args[0], there.value.args[0]
    assert one.precision == other.precision == "exact"
    assert one.w.tobytes() == other.w.tobytes()
    assert (one.b, one.b_center, one.loss) == (other.b, other.b_center, other.loss)


def test_sums_of_parts_are_kept_and_taken_again(address, parts, tmp_path):
    kept, here, there = (tmp_path / name for name in ("sums.ck", "here.json", "there.json"))
    arguments = ["fit", parts, "--target", "y", "--cluster", address, "--checkpoint", kept]
    assert run(*arguments, "--save", here)[0] == 0
    code, _, err = run(*arguments, "--resume", "--save", there)
    assert code == 0, err
    same(here, there)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--loss", "huber"], "--loss huber needs the rows here, and a cluster sums them where they are."),
        (["--over", "rows"], "--over rows needs the rows here"),
        (["--solver", "sgd"], "--solver sgd needs the rows here"),
        (["--cluster-timeout", "0"], "--cluster-timeout must be a finite number above 0; got 0.0."),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(address, parts, options, said):
    code, out, err = run("fit", parts, "--target", "y", "--cluster", address, *options)
    assert (code, out) == (2, "")
    assert said in err


def test_comparisons_refuse_what_a_cluster_cannot_split(address, parts):
    with pytest.raises(regress.InputError, match=r"does not split by time\. Remove split_time or cluster"):
        regress.compare(parts, "y", split_time="x", cluster=address)
    with pytest.raises(regress.InputError, match="Remove rows"):
        regress.compare(parts, "y", rows=50, cluster=address)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("local:0", "local:"),
        ("local:two", "local:"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_cluster_that_is_not_there_is_an_error_in_a_sentence(parts, where, said):
    code, out, err = run("fit", parts, "--target", "y", "--cluster", where)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert said in err
    assert "unexpectedly" not in err
