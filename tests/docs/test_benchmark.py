"""The benchmark measures what it says: ratios, limits, wrong answers, missing tools, memory, and its tables' places."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import benchmark
from bench import baseline, cases, cases_arrays, data, measure, merging, peers, report, scale, training, tricks
from bench import place as place_module
from bench.baseline import Change, Comparison
from bench.measure import Ended, Failed, Figure, Limit, Report, Result, Table, Tool

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"

CASES = benchmark.CASES
FAST = ("floor",)  # the others start a process a tool, which takes seconds to import
SLOW = ("csv4", "formula", "parquet", "predict", "rejects", "report", "start", "tricks")
SLOW += ("memory", "wide", "inputs", "csv", "exact", "gradient")
OPTIONAL = {
    *("scikit-learn-intelex", "statsmodels", "autodiff", "glum", "polars_ols", "pyfixest", "Polars + polars_ols"),
    *("DuckDB parse", "DuckDB regr_slope", "Arrow table", "R lm", "R biglm"),
}
PEERS = {
    *("python -c pass", "plain NumPy", "Polars parse", "Polars read", "pandas + LinearRegression"),
    *("Keras", "pandas chunks + SGDRegressor", "scikit-learn", "scikit-learn-intelex", "statsmodels", "SGDRegressor"),
    *("dask.array.linalg.lstsq", "dask-ml LinearRegression", "DuckDB parse", "DuckDB regr_slope", "R lm", "R biglm"),
    *("glum", "polars_ols", "pyfixest", "Polars + polars_ols", "one thread", f"{measure.usable_cpus()} threads"),
    *("import numpy", "import polars"),
}
LOOSE = {"SGDRegressor", "pandas chunks + SGDRegressor"}  # a few hundred rows are too few for these


def tool(name, code="print('[1.0, 2.0]')", **options):
    return Tool(name, [sys.executable, "-c", code], measure.printed_json, **options)


def took(name, *seconds, peak=100, limits=(), **options):
    return Result(Tool(name, (), limits=limits), seconds, peak, **options)


def reported(base, *results):
    return Report("one", Table("a table", base, [result.tool for result in results]), results)


def fake_case(*tools, reference=(1.0, 2.0)):
    def case(place):
        """Do nothing much."""
        yield Table("a table", tools[0].name, tools, reference)

    return case


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Put one case in place of all, with documentation of its own."""
    docs = tmp_path / "benchmarks.md"
    docs.write_text("before\n<!-- benchmark:one -->\nold\n<!-- /benchmark:one -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(benchmark, "DOCS", docs)

    def put(*tools, **options):
        monkeypatch.setattr(benchmark, "CASES", {"one": fake_case(*tools, **options)})
        return docs

    return put


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


# Ratios and limits


def test_medians_and_ratios_are_those_of_the_runs():
    table = reported("base", took("base", 2.0, 1.0, 9.0), took("other", 3.0, 5.0))
    base, other = table.results
    assert (base.median, other.median) == (2.0, 4.0)
    assert (table.ratio(base), table.ratio(other)) == (1.0, 2.0)
    text = report.markdown(table)
    assert "| base | 2.00 s | base | 0 MB |" in text
    assert "| other | 4.00 s | 2.00× base | 0 MB |" in text


@pytest.mark.parametrize(
    ("limit", "seconds", "peak", "held"),
    [
        (Limit(1.5, "base"), 3.0, 100, True),
        (Limit(1.5, "base"), 3.0001, 100, False),
        (Limit(1.1, "base", "peak"), 99.0, 110, True),
        (Limit(1.1, "base", "peak"), 0.1, 111, False),
        (Limit(600e6, what="peak"), 99.0, 600_000_000, True),
        (Limit(600e6, what="peak"), 0.1, 600_000_001, False),
    ],
)
def test_a_limit_holds_up_to_its_border(limit, seconds, peak, held):
    table = reported("base", took("base", 2.0), took("ours", seconds, peak=peak, limits=(limit,)))
    verdict = table.verdicts(table.named["ours"])[0]
    assert verdict.held is held
    assert table.passed is held
    assert ("holds" if held else "**missed**") in report.markdown(table)


def test_a_limit_beside_a_tool_that_is_missing_is_not_judged():
    ours = took("ours", 1.0, limits=(Limit(1.5, "other"),))
    table = reported("ours", ours, Result(Tool("other", ()), problem="other is not installed"))
    assert table.verdicts(ours)[0].held is None
    assert table.passed
    assert "≤ 1.5× other: not judged" in report.markdown(table)


def test_a_tool_that_fails_has_missed_its_limits():
    ours = Result(Tool("ours", (), limits=(Limit(1.5, "base"),)), problem="it broke")
    table = reported("base", took("base", 1.0), ours)
    assert not table.passed
    assert "≤ 1.5× base: **missed** |" in report.markdown(table)


def test_without_a_base_there_is_no_ratio():
    table = reported("base", took("base", 1.0, difference=1.0, wrong=True), took("other", 2.0))
    assert table.ratio(table.named["other"]) is None
    assert "no time of base counts" in report.markdown(table)


def test_a_limit_may_be_on_seconds_or_on_a_figure():
    limits = Limit(5.0), Limit(400e6, what="a worker"), Limit(2.0, "base", "a worker")
    base = took("base", 1.0, figures={"a worker": Figure(200e6, "B")})
    ours = took("ours", 4.0, limits=limits, figures={"a worker": Figure(500e6, "B"), "a core": Figure(3e8, "B/s")})
    table = reported("base", base, ours)
    assert [verdict.held for verdict in table.verdicts(ours)] == [True, False, False]
    text = report.markdown(table)
    assert "| 0 MB | a worker 500 MB; a core 0.300 GB/s | – | ≤ 5.00 s: holds, 4.00 s; a worker ≤ 400 MB" in text
    assert "≤ 2× base in a worker: **missed**, 2.50" in text
    assert tuple(report.records(table)[1]["figures"]["a core"]) == (3e8, "B/s")


def test_a_tool_tells_figures_of_itself():
    told = {"seconds": [0.5], "peak": 7, "answer": [1.0], "figures": {"a part": [1234, "B"]}}
    result = measure.measure(tool("one", f"print('''{json.dumps(told)}''')", inside=True), [1.0], 1)
    assert result.figures == {"a part": (1234, "B")}
    assert "| a part 1.2 kB |" in report.markdown(reported("one", result))


# Answers


@pytest.mark.parametrize(
    ("code", "apart"),
    [
        ("print('[1.0, 2.1]')", 0.05),
        ("print('[1.0]')", None),
        ("print('[NaN, 2.0]')", None),
        ("print('[Infinity, 2.0]')", None),
        ("print('null')", None),
    ],
)
def test_a_wrong_answer_takes_the_ratio_away_and_is_said(code, apart):
    results = [measure.measure(t, [1.0, 2.0], 1) for t in (tool("honest"), tool("liar", code))]
    honest, liar = results
    table = reported("honest", *results)
    assert table.ratio(honest) == 1.0
    assert honest.difference == 0.0
    assert liar.wrong
    assert table.ratio(liar) is None
    assert not table.passed
    assert liar.difference == (None if apart is None else pytest.approx(apart))
    assert "**wrong**" in report.markdown(table)
    assert ("| 5e-02 |" if apart else "no numbers to compare") in report.markdown(table)
    assert strict(json.dumps(report.records(table), allow_nan=False))[1]["wrong"] is True


def test_a_tool_that_times_itself_is_compared_too():
    told = {"seconds": [0.5, 0.25, 1.0], "peak": 7, "answer": [1.0, 2.1]}
    loose, exact = (
        measure.measure(tool("one", f"print('''{json.dumps(told)}''')", inside=True, tolerance=t), [1.0, 2.0], 1)
        for t in (0.06, 1e-9)
    )
    assert (loose.median, loose.peak, loose.wrong) == (0.5, 7, False)
    assert exact.wrong


def test_differences_are_next_to_the_largest_number():
    assert measure.difference([1.0, -200.0], [0.0, -200.0]) == 1 / 200
    assert measure.difference([1e-3], [0.0]) == 1e-3


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_peer.sub", "no_such_peer is not installed"),
        ("raise MemoryError('needs 9 GB of memory')", "needs 9 GB of memory"),
        ("import sys; print('Note: x', file=sys.stderr); sys.exit('Error: No such option.\\n')", "No such option."),
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("print('hello')", "it printed no answer"),
    ],
)
def test_a_tool_that_fails_is_shown_with_its_reason(code, reason):
    result = measure.measure(tool("other", code), [1.0, 2.0], 1)
    table = reported("base", took("base", 1.0), result)
    assert result.problem == reason
    assert table.ratio(result) is None
    assert f"| other | **failed**: {reason} |" in report.markdown(table)
    assert report.records(table)[1]["problem"] == reason


# Processes


def test_peak_memory_is_the_child_s():
    code = """
import sys
import benchmark
from bench.measure import run
assert not {"numpy", "polars", "pandas"} & set(sys.modules), "children would seem to hold what this process holds"
for child in ("pass", "held = b'x' * 200_000_000", "from bench.measure import peak_of_this_process as peak; "
              "held = b'x' * 200_000_000; del held; print(peak())"):
    ended = run([sys.executable, "-c", child])
    print(ended.peak, ended.printed)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    little, much, outside, inside = map(int, done.stdout.split())
    assert 1e6 < little < 100e6
    assert 200e6 <= much < 300e6
    assert 200e6 <= inside <= outside < 300e6


def test_every_run_is_a_process_of_its_own_and_the_first_is_not_counted(tmp_path):
    seen = tmp_path / "seen"
    code = f"import os; open({str(seen)!r}, 'a').write(f'{{os.getpid()}}\\n'); print('[1.0]')"
    result = measure.measure(tool("one", code), [1.0], 3)
    assert len(result.seconds) == 3
    assert len(set(seen.read_text().split())) == 4


# The cases


@pytest.fixture
def place(monkeypatch, tmp_path):
    """Return a place whose children do nothing."""

    def make(self, name, command):
        assert str(self.folder / name) in command(self.folder / name)
        (self.folder / name).write_text('{"b": 1.0, "w": [2.0]}\n', encoding="utf-8")
        return self.folder / name

    monkeypatch.setattr(place_module.Place, "make", make)
    printed = json.dumps({"answer": [1.0, 2.0], "rates": {"read": 1e9, "dgemm": 1e9}})
    for module in (place_module, cases, cases_arrays, scale, training, tricks):
        monkeypatch.setattr(module, "run", lambda command: Ended(0.0, 0, printed))
    return place_module.Place(tmp_path, 0.0004, 1)


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_its_base_and_the_tools_of_its_limits(place, name):
    tables = list(CASES[name](place))
    assert tables
    for table in tables:
        names = [t.name for t in table.tools]
        assert len(set(names)) == len(names)
        assert table.base in names
        assert table.reference is not None
        assert {limit.of for t in table.tools for limit in t.limits} <= {*names, None}


@pytest.mark.parametrize("name", CASES)
def test_what_other_packages_do_is_not_compared_with_a_baseline(place, name):
    tools = [t for table in CASES[name](place) for t in table.tools]
    assert {t.name for t in tools if t.peer} == {t.name for t in tools} & PEERS
    assert all(t.peer for t in tools) is (name == "floor")  # of which nothing is this package's


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_its_place_in_the_documentation_and_in_the_help(name, capsys):
    assert report.around(ROOT / "docs" / "benchmarks.md", name)
    with pytest.raises(SystemExit):
        benchmark.options_of(["--help"])
    assert f"  {name:<9} {CASES[name].__doc__}" in capsys.readouterr().out


def test_four_times_the_rows_are_the_same_rows_under_one_header(place):
    place.csv.write_text("x,y\n1,2\n3,4\n", encoding="utf-8")
    assert place.four_times().read_text(encoding="utf-8") == "x,y\n" + "1,2\n3,4\n" * 4


def test_a_file_that_the_disk_has_no_room_for_is_left_out_and_said(place, monkeypatch):
    monkeypatch.setattr(place_module.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    (table,) = benchmark.measured("csv4", place)
    assert "not measured, its file needs 0.0 GB of disk" in report.markdown(table)
    assert report.records(table)[0]["problem"].endswith("set TMPDIR.")
    assert not table.passed


def run(folder, *words):
    figures = folder / "figures.json"
    command = [sys.executable, SCRIPTS / "benchmark.py", *words, "--scale", "0.0004", "--repeat", "1"]
    done = subprocess.run([*command, "--json", figures], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, strict(figures.read_text(encoding="utf-8"))


def test_every_case_is_run_below():
    assert {*FAST, *SLOW} == {*CASES} - {"training", "scale"}


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_every_case_runs_at_a_tiny_scale(name, tmp_path):
    text, figures = run(tmp_path, name)
    records = figures["results"]
    assert {record["case"] for record in records} == {name}
    assert len(records) >= 2
    for record in records:
        assert f"| {record['tool']} | " in text
        if record["problem"] and record["tool"] in OPTIONAL:
            continue
        assert record["problem"] is None, record
        assert len(record["seconds"]) == 1
        assert record["median"] == record["seconds"][0] > 0
        assert 5e6 < record["peak_bytes"] < 4e9
        if record["tool"] not in LOOSE:
            assert not record["wrong"], record
            assert record["ratio"] > 0
            assert record["tool"] == record["base"] or f"× {record['base']} |" in text
        assert all(limit["held"] in (True, False, None) and limit["at_most"] > 0 for limit in record["limits"])
    bases = [record for record in records if record["tool"] == record["base"]]
    assert all(record["ratio"] == 1.0 for record in bases)
    assert len(bases) == len({record["table"] for record in records})
    tells_machine_and_versions_and_no_date(figures)


@pytest.mark.slow
def test_one_tool_of_each_kind_past_one_process_runs_at_a_tiny_scale(tmp_path):
    for module in ("distributed", "moto", "s3fs"):
        pytest.importorskip(module)
    told = {}
    for table in scale.scale(place_module.Place(tmp_path, 0.0004, 1)):
        for one in table.tools:
            if one.name in ("2 processes, 100 files", "pipe", "100 objects of S3", "moments", "regress merge"):
                told[one.name] = measure.measure(one, table.reference, 1)
    assert len(told) == 5
    for result in told.values():
        assert result.counts, result
        assert len(result.seconds) == 1
        assert 5e6 < result.peak < 4e9
    assert 50e6 < told["2 processes, 100 files"].figures["a worker"].value < 1e9
    assert 1e3 < told["moments"].figures["totals"].value < 1e6


def test_a_merge_tree_has_the_right_answer_in_both_forms(capsys):
    pytest.importorskip("distributed")
    for form in ("totals", "sums"):
        merging.merge_tree("1", form, "80", "3", "40", "4")
        X, y = data.table(80, 3)
        expected = np.linalg.lstsq(np.column_stack([np.ones(80), X]), y, rcond=None)[0]
        printed = json.loads(capsys.readouterr().out)
        assert printed["answer"] == pytest.approx(expected, rel=1e-12)
        assert printed["figures"]["depth"][0] == 3


def tells_machine_and_versions_and_no_date(figures):
    assert set(figures) == {"machine", "packages", "scale", "repeat", "baseline", "results"}
    assert set(figures["machine"]) == {"cpu", "vectors", "blas", "cpus", "usable_cpus", "platform", "python"}
    assert all(figures["machine"].values())
    assert {"numpy", "polars", "scikit-learn", "regress-trainer"} <= set(figures["packages"])
    assert (figures["scale"], figures["repeat"], figures["baseline"]) == (0.0004, 1, None)


# The command line


def test_only_what_stands_between_the_marks_is_replaced(only, capsys):
    docs = only(tool("one"), tool("two"))
    assert benchmark.main(["one", "--write", "--repeat", "1"]) == 0
    printed = capsys.readouterr().out
    assert "× one |" in printed
    text = docs.read_text(encoding="utf-8")
    assert text == f"before\n<!-- benchmark:one -->\n{printed}<!-- /benchmark:one -->\nafter\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--write", "--scale", "0.5"], "full sizes into the documentation only"),
        (["--write", "--baseline", str(ROOT)], "leave --baseline out"),
        (["--baseline", str(SCRIPTS)], "is not a checkout: it has no regress/__init__.py"),
        (["two"], "no case two; there are one."),
        (["--repeat", "0"], "must be at least 1"),
        (["--scale", "nan"], "above 0"),
        (["--json", "no/such/folder/figures.json"], "there is no folder no/such/folder; make it first"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence_before_anything_runs(only, capsys, arguments, told):
    docs = only(tool("one", "raise SystemExit('it ran')"))
    text = docs.read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        benchmark.main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert docs.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["nothing", "<!-- benchmark:one -->\n", "<!-- /benchmark:one -->\n"])
def test_a_file_without_both_marks_is_refused_before_anything_runs(only, capsys, text):
    docs = only(tool("one", "raise SystemExit('it ran')"))
    docs.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit):
        benchmark.main(["--write"])
    assert "has no place for one" in capsys.readouterr().err
    assert docs.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (tool("other"), 0),
        (tool("other", limits=(Limit(1e6, "one"),)), 0),
        (tool("other", limits=(Limit(1e-6, "one"),)), 1),
        (tool("other", "print('[1.0, 2.1]')"), 1),
        (tool("other", "print('[1.0, 2.1]')", tolerance=0.1), 0),
        (tool("other", "import no_such_peer"), 0),
        (tool("other", "import no_such_peer", limits=(Limit(1e6, "one"),)), 1),
    ],
)
@pytest.mark.usefixtures("capsys")
def test_only_strict_exits_with_1(only, other, code):
    only(tool("one"), other)
    assert benchmark.main(["--repeat", "1"]) == 0
    assert benchmark.main(["--repeat", "1", "--strict"]) == code


def test_a_set_up_that_fails_is_said_and_does_not_end_the_others(monkeypatch, capsys):
    def broken(place):
        raise Failed("the set-up broke")
        yield

    monkeypatch.setattr(benchmark, "CASES", {"broken": broken, "one": fake_case(tool("one"))})
    assert benchmark.main(["--repeat", "1"]) == 0
    text = capsys.readouterr().out
    assert "**broken**: not measured, the set-up broke" in text
    assert "| one | " in text
    assert benchmark.main(["--repeat", "1", "--strict"]) == 1


# Another checkout


@pytest.fixture
def old(tmp_path):
    """Return another checkout, of a package that does nothing."""
    (tmp_path / "old" / "regress").mkdir(parents=True)
    (tmp_path / "old" / "regress" / "__init__.py").write_text("")
    return tmp_path / "old"


def test_two_checkouts_take_turns_each_with_its_own_package(tmp_path, old):
    seen = tmp_path / "seen"
    code = f"import os, regress; print(regress.__file__, os.getpid(), file=open({str(seen)!r}, 'a')); print('[1.0]')"
    tables = [Table("a table", "one", [tool("one", code), tool("another's", code, peer=True)], [1.0])]
    (change,) = baseline.changes(tables, 3, old)
    files, processes = zip(*(line.split() for line in seen.read_text().splitlines()), strict=True)
    turn = [str(root / "regress" / "__init__.py") for root in (old, old, ROOT, ROOT)]  # the first is not counted
    assert list(files) == 3 * turn
    assert len(set(processes)) == 12
    assert (change.table, change.now.tool.name) == ("a table", "one")
    assert len(change.before.seconds) == len(change.now.seconds) == 3


def test_runs_inside_a_process_all_count_and_the_first_problem_stays(tmp_path, old):
    count = tmp_path / "count"
    count.write_text("")
    code = f"""
with open({str(count)!r}, "a+") as file:
    file.write("x")
    if file.tell() == 3:
        raise SystemExit("late")
print('{{"seconds": [1.0, 5.0], "peak": 7, "answer": [1.0]}}')
"""
    (change,) = baseline.changes([Table("a table", "one", [tool("one", code, inside=True)], [1.0])], 2, old)
    assert change.before.problem == "late"
    assert (change.now.problem, change.now.seconds) == (None, [1.0, 5.0, 1.0, 5.0])


@pytest.mark.parametrize(
    ("before", "now", "cells", "passed"),
    [
        (took("one", 2.0, 9.0, 1.0), took("one", 2.06), "2.00 s | 2.06 s | 1.030× | 1.000× | – → –", True),
        (took("one", 2.0), took("one", 2.061), "2.00 s | 2.06 s | **1.030×** | 1.000× | – → –", False),
        (took("one", 2.0), took("one", 1.0, peak=150), "2.00 s | 1.00 s | 0.500× | 1.500× | – → –", True),
        (
            took("one", 2.0, difference=1e-3, wrong=True),
            took("one", 2.0, difference=0.0),
            "2.00 s | 2.00 s | 1.000× | 1.000× | **wrong**, 1e-03 → 0",
            True,
        ),
        (
            took("one", 2.0, difference=0.0),
            took("one", 1.0, wrong=True),
            "2.00 s | 1.00 s | 0.500× | 1.000× | 0 → **wrong**, no numbers to compare",
            False,
        ),
        (took("one", problem="it | broke"), took("one", 1.0), "**failed**: it / broke | 1.00 s | – | – | – → –", True),
        (took("one", 1.0), took("one", problem="it broke"), "1.00 s | **failed**: it broke | – | – | – → –", False),
    ],
)
def test_a_change_is_told_and_only_a_slower_or_wrong_tool_of_this_checkout_does_not_pass(before, now, cells, passed):
    comparison = Comparison("one", [Change("a table", before, now)])
    assert f"\n| a table | one | {cells} |\n" in baseline.markdown(comparison)
    assert comparison.passed is passed
    (told,) = strict(json.dumps(baseline.records(comparison), allow_nan=False))
    assert told["passed"] is passed


def test_a_package_that_is_imported_from_elsewhere_is_refused(tmp_path, only, capsys):
    only(tool("one", "raise SystemExit('it ran')"))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "regress").symlink_to(ROOT / "regress")
    with pytest.raises(SystemExit):
        benchmark.main(["--baseline", str(tmp_path / "linked")])
    assert f"regress is imported from {ROOT}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("at_most", "right_in", "code"), [(1e9, ROOT, 0), (0.0, ROOT, 1), (1e9, "old", 1), (0.0, "old", 1)]
)
def test_only_strict_exits_with_1_beside_a_baseline(only, old, monkeypatch, capsys, tmp_path, at_most, right_in, code):
    answer = f"import regress; print('[1.0]' if regress.__file__.startswith({str(tmp_path / right_in)!r}) else '[2.0]')"
    only(tool("one", answer), reference=[1.0])
    monkeypatch.setattr(baseline, "AT_MOST", at_most)
    arguments = ["--repeat", "1", "--baseline", str(old), "--json", str(tmp_path / "figures.json")]
    assert benchmark.main(arguments) == 0
    assert benchmark.main([*arguments, "--strict"]) == code
    assert "**wrong**" in capsys.readouterr().out
    figures = strict((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["baseline"] == str(old)
    assert [result["passed"] for result in figures["results"]] == [not code]


def test_a_case_that_cannot_be_set_up_is_said_beside_a_baseline(monkeypatch, capsys, old):
    def broken(place):
        raise Failed("the set-up broke")
        yield

    monkeypatch.setattr(benchmark, "CASES", {"broken": broken})
    assert benchmark.main(["--baseline", str(old), "--strict"]) == 1
    assert "**broken**: not measured, the set-up broke" in capsys.readouterr().out


@pytest.mark.slow
def test_real_tools_are_compared(tmp_path):
    text, figures = run(tmp_path, "start", "--baseline", str(ROOT))
    assert [result["tool"] for result in figures["results"]] == [
        *("import regress", "regress --help", "regress fit data/diabetes.csv")
    ]
    for result in figures["results"]:
        assert f"| small things | {result['tool']} | " in text
        assert result["time_ratio"] > 0
        assert result["peak_ratio"] > 0
        assert not result["now"]["wrong"]


# The tables on disk


def test_the_files_hold_the_same_table_and_its_predictions_are_compared(tmp_path, monkeypatch):
    import polars as pl

    monkeypatch.setattr(data, "CHUNK", 10)
    csv, parquet, predicted, model = (str(tmp_path / name) for name in ("a.csv", "a.parquet", "p.csv", "m.json"))
    data.write_csv(csv, "25", "2")
    data.write_parquet(csv, parquet)
    frame = pl.read_csv(csv)
    assert frame.columns == ["x0", "x1", "y"]
    assert len(frame) == 25
    assert len(frame.unique()) == 25
    assert pl.read_parquet(parquet).equals(frame)

    Path(model).write_text(json.dumps({"names": ["x1", "x0"], "w": [2.0, 1.0], "b": 0.5}), encoding="utf-8")
    right = frame.select(row=pl.int_range(1, pl.len() + 1), prediction=2.0 * pl.col("x1") + pl.col("x0") + 0.5)
    right.write_csv(predicted)
    assert data.compare_predictions(predicted, csv, model) < 1e-15
    right.with_columns(pl.when(pl.col("row") == 25).then(0.0).otherwise("prediction").alias("prediction")).write_csv(
        predicted
    )
    assert data.compare_predictions(predicted, csv, model) > 1e-3
    right.head(24).write_csv(predicted)
    with pytest.raises(SystemExit, match="24 predictions for 25 rows"):
        data.compare_predictions(predicted, csv, model)


def test_a_file_is_cut_into_files_with_all_of_its_rows(tmp_path):
    path, folder = tmp_path / "t.csv", tmp_path / "parts"
    lines = ["x,y\n", *(f"{k},{k % 7}\n" for k in range(500))]
    path.write_text("".join(lines), encoding="utf-8")
    data.cut_csv(str(folder), str(path), "7")
    parts = [file.read_text(encoding="utf-8").splitlines(keepends=True) for file in sorted(folder.iterdir())]
    assert len(parts) == 7
    assert all(part[0] == lines[0] for part in parts)
    assert [line for part in parts for line in part[1:]] == lines[1:]
    assert max(map(len, parts)) < 2 * min(map(len, parts))


@pytest.mark.parametrize(
    ("count", "depth", "merges"), [(1, 0, 0), (2, 1, 1), (16, 1, 15), (17, 2, 16), (256, 2, 255), (1000, 3, 999)]
)
def test_a_tree_merges_every_part_once(count, depth, merges):
    class Numbers(set):
        def merge(self, other):
            assert not self & other
            self |= other

    tree = merging.Tree(16, lambda data: Numbers(json.loads(data)), lambda held: json.dumps(sorted(held)).encode())
    for k in range(count):
        tree.add(json.dumps([k]).encode())
    assert tree.finish() == set(range(count))
    assert (tree.depth, tree.merges) == (depth, merges)


def test_ols_is_refused_where_its_copies_exceed_the_memory(monkeypatch):
    monkeypatch.setattr(peers.os, "sysconf", lambda name: 10)
    with pytest.raises(MemoryError, match=r"the machine has 0\.0 GB"):
        peers.statsmodels(*data.table(20, 2))
