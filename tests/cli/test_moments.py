"""Files of moments on the command line: made, merged, subtracted, fitted and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import regress
from regress.api.moments.table_moments import merged
from tests.command import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Write three days of a table; the last one has a level of its own. Return their paths, and that of all rows."""
    folder, random = tmp_path_factory.mktemp("days"), np.random.default_rng(3)
    paths, lines = [], []
    for day, levels in enumerate(("ab", "ab", "bc")):
        rows = [
            f"{x:.3f},{levels[k]},{z:.2f},{2 * x - z + k + noise:.4f}"
            for x, z, noise, k in zip(*random.normal(size=(3, 40)), random.integers(2, size=40), strict=True)
        ]
        paths.append(folder / f"day{day}.csv")
        paths[-1].write_text("\n".join(["x,k,z,y", *rows, ""]))
        lines += rows
    (every := folder / "all.csv").write_text("\n".join(["x,k,z,y", *lines, ""]))
    return paths, every


@pytest.fixture(scope="module")
def files(days):
    """Return the files of moments of the three days."""
    made = []
    for path in days[0]:
        made.append(path.with_suffix(".moments"))
        code, out, err = run("moments", path, "--target", "y", "-o", made[-1])
        assert (code, err) == (0, "")
        assert out.startswith("40 rows = 40 used, of 1 part\nTarget y, 3 other columns\nFingerprint ")
        assert out.endswith(f"{made[-1]}: {made[-1].stat().st_size:,} bytes, with no row of the table\n")
    return made


def coefficients(*arguments):
    code, out, err = run("fit", *arguments, "--json")
    assert code == 0, err
    held = json.loads(out)
    return held["intercept"], held["coef"], held["n_rows"]


def test_merged_days_are_the_table_of_all_rows_in_any_order(days, files, tmp_path):
    week, back = tmp_path / "week.moments", tmp_path / "back.moments"
    _, out, _ = run("merge", *files, "-o", week)
    assert "120 rows = 120 used, of 3 parts" in out
    _, other, _ = run("merge", *reversed(files), "-o", back)
    assert out.splitlines()[2] == other.splitlines()[2]  # the fingerprint
    assert coefficients(week) == coefficients(days[1], "--target", "y", "--precision", "exact")
    assert coefficients(week, "--features", "z,x") == coefficients(
        days[1], "--target", "y", "--features", "z,x", "--precision", "exact"
    )


def test_a_subtracted_day_was_never_there(files, tmp_path):
    week, less, two = (tmp_path / f"{name}.moments" for name in ("week", "less", "two"))
    run("merge", *files, "-o", week)
    code, out, _ = run("merge", week, "--subtract", files[1], "--subtract", files[2], "-o", less)
    assert code == 0
    assert "of 1 part\n" in out
    assert coefficients(less) == coefficients(files[0])
    code, _, err = run("merge", files[0], "--subtract", files[1], "-o", two)
    assert code == 2
    assert err == "Error: The rows of day1.moments are not all in the merged moments, so they cannot be subtracted.\n"
    assert not two.exists()


def test_a_day_counts_twice_only_on_request(files, tmp_path):
    code, _, err = run("merge", files[0], files[1], files[0], "-o", tmp_path / "w.moments")
    assert code == 2
    assert "would count twice" in err
    assert "pass --allow-equal" in err
    code, out, _ = run("merge", files[0], files[0], "--allow-equal", "-o", tmp_path / "w.moments")
    assert code == 0
    assert "80 rows = 80 used, of 2 parts" in out


def test_merging_changes_none_of_the_parts(files):
    parts = [regress.load_moments(path) for path in files]
    before = [part.fingerprint for part in parts]
    one, two = merged(iter(parts)), merged(parts)
    assert [part.fingerprint for part in parts] == before
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint not in before


def test_a_sample_is_kept_on_request_alone(days, files, tmp_path):
    path = tmp_path / "s.moments"
    code, out, _ = run("moments", days[0][0], "--target", "y", "--with-sample", 7, "-o", path)
    assert code == 0
    assert out.endswith("bytes, with 7 of the training rows\n")
    assert regress.load_moments(path).fingerprint == regress.load_moments(files[0]).fingerprint
    assert regress.load_moments(path).sampled == 7
    assert regress.load_moments(files[0]).sampled == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--loss", "huber"], "--loss huber"),
        (["--over", "rows"], "--over rows"),
        (["--solver", "sgd"], "--solver sgd"),
        (["--solver", "adam"], "--solver adam"),
        (["--cov-type", "HC0"], "--cov-type HC0"),
        (["--solver", "gd", "--checkpoint", "c.ck"], "--checkpoint c.ck"),
    ],
)
def test_what_needs_rows_is_refused_by_its_name(files, options, named):
    code, out, err = run("fit", files[0], *options)
    assert (code, out) == (2, "")
    assert err == (
        f"Error: {named} needs the rows, and day0.moments holds only sums over them. Remove it, or pass the table.\n"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "x"], "day0.moments holds sums for the target 'y'"),
        (["--test-size", "0.2"], "day0.moments was summed with --test-size 0.0, not with --test-size 0.2."),
        (["--weights", "z"], "day0.moments was summed without --weights, not with --weights z."),
        (["--delimiter", ";"], "--delimiter is for CSV files; day0.moments holds sums over rows."),
        (["--categorical", "x"], "--categorical decides which rows are summed"),
        (["--solver", "gd", "--early-stopping", "3"], "--early-stopping needs rows to validate on."),
        (["--cluster", "local:2"], "day0.moments is summed already, so there is no work for a cluster."),
        (["--features", "q"], "day0.moments has no column 'q'"),
        (["--max-categories", "1"], "more than --max-categories 1"),
    ],
)
def test_options_that_contradict_the_sums_are_refused(files, options, said):
    code, out, err = run("fit", files[0], *options)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert said in err


@pytest.mark.parametrize("solver", ["gd", "accelerated", "cg", "newton"])
def test_every_solver_that_needs_no_rows_takes_moments(files, solver):
    b, w, _ = coefficients(files[0])
    found, ws, _ = coefficients(files[0], "--solver", solver)
    assert found == pytest.approx(b, rel=1e-6)
    assert ws == pytest.approx(w, rel=1e-6)


def test_a_penalty_is_chosen_after_the_sums(days, files):
    expected = coefficients(days[0][0], "--target", "y", "--alpha", 3, "--precision", "exact")
    assert coefficients(files[0], "--alpha", 3) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["moments", "{day}", "--target", "y"], "Name the file to write with --output, such as -o day1.moments."),
        (["moments", "{day}", "-o", "{new}"], "Name the column to predict with --target."),
        (["moments", "{file}", "--target", "y", "-o", "{new}"], "day0.moments holds moments already."),
        (["moments", "{day}", "--target", "y", "--missing", "mean", "-o", "{new}"], "Use --missing drop."),
        (["moments", "{day}", "--target", "y", "--with-sample", "-1", "-o", "{new}"], "--with-sample must be"),
        (["moments", "{day}", "--target", "y", "-o", "day.bin"], "must end in .moments; got day.bin."),
        (["merge", "{file}"], "Name the file to write with --output"),
        (["merge", "-o", "{new}"], "Missing argument 'FILES...'."),
        (["merge", "{file}", "-o", "{file}"], "which is one of the files to merge"),
        (["merge", "{file}", "--subtract", "{new}", "-o", "{new}"], "which is one of the files to merge"),
        (["merge", "{day}", "-o", "{new}"], "does not hold moments. Make some with regress moments."),
        (["merge", "nothing.moments", "-o", "{new}"], "nothing.moments cannot be read: No such file or directory."),
        (["predict", "{model}", "{file}"], "holds moments: sums over rows, not the rows."),
        (["compare", "{file}", "--target", "y"], "which a comparison needs."),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(days, files, tmp_path, arguments, said):
    places = {"day": days[0][0], "file": files[0], "new": tmp_path / "new.moments", "model": tmp_path / "m.json"}
    regress.fit(files[0]).save(places["model"])
    before = files[0].read_bytes()
    code, out, err = run(*(str(argument).format(**places) for argument in arguments))
    assert (code, out) == (2, "")
    assert said in err
    assert not places["new"].exists()
    assert files[0].read_bytes() == before


def test_certify_takes_moments(days, files, tmp_path):
    model = tmp_path / "m.json"
    regress.fit(days[0][0], "y", precision="exact").save(model)
    code, out, _ = run("certify", model, files[0])
    assert code == 0
    assert "Certified: the worst coefficient has 15.9 correct digits" in out
    code, out, _ = run("certify", model, files[1])  # other rows: no need to look at them
    assert code == 1
    assert "Not certified" in out


def test_certify_refuses_moments_where_only_the_rows_decide(days, files):
    fit = regress.fit(days[0][0], "y")
    w = fit.w * (1 + 3e-8)  # fewer digits than asked for, and a small error of every prediction
    with pytest.raises(regress.InputError, match="not the rows, which the largest error of a prediction needs"):
        regress.certify((dict(zip(fit.names, w, strict=True)), fit.b), files[0], digits=9)
    found = regress.certify((dict(zip(fit.names, w, strict=True)), fit.b), days[0][0], "y", digits=9)
    assert found.moved is not None
