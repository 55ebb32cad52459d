"""What is measured: each case makes its tables, one after another, when they are asked for."""

import sys
from collections.abc import Callable, Iterator

from bench.cases_arrays import exact, floor, gradient, inputs, memory, wide
from bench.measure import ROOT, SCRIPTS, Failed, Limit, Table, Tool, printed_json, run
from bench.place import COLUMNS, EMPTY, PARSE, ROWS, STOCHASTIC, TARGET, Place, child, cli, coefficients


def csv(place: Place) -> Iterator[Table]:
    """Fit a CSV file."""
    most = (Limit(1.25, PARSE), Limit(0.33, "pandas + LinearRegression"), Limit(600e6, what="peak"))
    tools = [
        Tool(PARSE, child("files", "parse_csv", place.csv), peer=True, floor=True),
        Tool("DuckDB parse", child("files", "duckdb_parse", place.csv), peer=True, floor=True),
        place.fit("regress fit", place.csv, "--precision", "float64", limits=most),
        place.fit("regress fit, exact", place.csv, "--precision", "exact", limits=(Limit(1.25, "regress fit"),)),
        Tool(
            "Polars + polars_ols", child("files", "polars_ols_fit", place.csv, TARGET), printed_json, peer=True, runs=3
        ),
        Tool("pandas + LinearRegression", child("files", "pandas_fit", place.csv, TARGET), printed_json, peer=True),
        Tool(
            "pandas chunks + SGDRegressor",
            child("files", "pandas_descend", place.csv, TARGET),
            printed_json,
            tolerance=STOCHASTIC,
            peer=True,
        ),
    ]
    yield Table(place.title(place.csv), PARSE, tools, coefficients(place.model))
    yield one_column(place)
    yield in_r(place)


def one_column(place: Place) -> Table:
    """Fit one column of the file, which DuckDB can."""
    column = "x0"
    words = ("--features", column, "--precision")
    exact = place.make(
        "one.json", lambda path: cli("fit", place.csv, "--target", TARGET, *words, "exact", "--save", path)
    )
    tools = [
        Tool(PARSE, child("files", "parse_csv", place.csv, column, TARGET), peer=True, floor=True),
        place.fit("regress fit", place.csv, *words, "float64"),
        Tool("DuckDB regr_slope", child("files", "duckdb_fit", place.csv, TARGET, column), printed_json, peer=True),
    ]
    return Table(f"one column of {place.title(place.csv)}", PARSE, tools, coefficients(exact))


def in_r(place: Place) -> Table:
    """Fit the first rows of the file with R, which would take minutes for all."""
    m = place.rows(ROWS // 10, COLUMNS)
    few = place.make("few.csv", lambda path: child("data", "write_csv", path, m, COLUMNS))
    exact = place.make(
        "few.json", lambda path: cli("fit", few, "--target", TARGET, "--precision", "exact", "--save", path)
    )
    tools = [
        Tool(PARSE, child("files", "parse_csv", few), peer=True, floor=True),
        place.fit("regress fit", few, "--precision", "float64"),
        *(
            Tool(
                f"R {name}",
                ["Rscript", str(SCRIPTS / "bench" / "lm.R"), name, str(few), TARGET],
                printed_json,
                peer=True,
                runs=3,
            )
            for name in ("lm", "biglm")
        ),
    ]
    return Table(f"{m:,} × {COLUMNS + 1}, {few.stat().st_size / 1e9:.2f} GB", PARSE, tools, coefficients(exact))


def formula(place: Place) -> Iterator[Table]:
    """Fit a CSV file by a formula: a log, a product, a square."""
    table = place.make("positive.csv", lambda path: child("data", "write_positive", place.csv, path, TARGET))
    columns = " + ".join(f"x{j}" for j in range(COLUMNS))
    terms = f"log({TARGET}) ~ {columns} + x0:x1 + I(x2**2)"
    saved = place.folder / "formula.json"
    exact = place.make(
        "formula-exact.json",
        lambda path: cli("fit", table, "--formula", terms, "--precision", "exact", "--save", path),
    )
    for precision, most in (("float64", 1.4), ("exact", None)):
        base = f"regress fit, {precision}"
        by_formula = cli("fit", table, "--formula", terms, "--precision", precision, "--save", saved)
        limits = () if most is None else (Limit(most, base),)
        tools = [
            Tool(base, cli("fit", table, "--target", TARGET, "--precision", precision)),
            Tool("the same by a formula", by_formula, lambda _: coefficients(saved), limits=limits),
        ]
        if precision == "exact":
            tools.append(Tool("as written", cli("fit", table, "--target", TARGET, "--as-written")))
            tools.append(Tool("as written, by a formula", [*by_formula, "--as-written"]))
        yield Table(f"{place.title(table)}, {precision}", base, tools, coefficients(exact))
    table.unlink()


def csv4(place: Place) -> Iterator[Table]:
    """Fit a CSV file of four times the rows, in the same memory."""
    four = place.four_times()
    tools = [
        place.fit("once", place.csv, "--precision", "float64"),
        place.fit("four times", four, "--precision", "float64", limits=(Limit(1.1, "once", "peak"),)),
    ]
    yield Table(f"{place.title(place.csv)}, and four times its rows", "once", tools, coefficients(place.model))
    four.unlink()


def parquet(place: Place) -> Iterator[Table]:
    """Fit a Parquet file."""
    tools = [
        Tool("Polars read", child("files", "read_parquet", place.parquet), peer=True, floor=True),
        place.fit("regress fit", place.parquet, "--precision", "float64", limits=(Limit(1.4, "Polars read"),)),
    ]
    yield Table(place.title(place.parquet), "Polars read", tools, coefficients(place.model))


def predict(place: Place) -> Iterator[Table]:
    """Predict the rows of an array, one row, and those of a CSV file into another."""
    n = 10
    for m, task, ours in (
        (place.rows(884_000, n), "predictions", ("LinearRegressor", "LinearModel.predict")),
        (1_000, "one_row", ("predict_one",)),
    ):
        tools = [place.inside("scikit-learn", task, m, n, "scikit-learn", peer=True)]
        tools += [place.inside(name, task, m, n, name, limits=(Limit(1.2, "scikit-learn"),)) for name in ours]
        rows = f"{m:,}" if task == "predictions" else "one row"
        yield Table(f"{rows} × {n}, in memory", "scikit-learn", tools, place.answer(task, m, n, "scikit-learn"))
    out = place.folder / "predicted.csv"

    def check(_: str) -> list[float]:
        return [printed_json(run(child("data", "compare_predictions", out, place.csv, place.model)).printed)]

    command = cli("predict", place.model, place.csv, "-o", out)
    tools = [
        Tool(PARSE, child("files", "parse_csv", place.csv), peer=True),
        Tool("regress predict", command, check, limits=(Limit(1.6, PARSE),)),
    ]
    yield Table(place.title(place.csv), PARSE, tools, [0.0])


def rejects(place: Place) -> Iterator[Table]:
    """Fit a clean CSV file, ready to set bad rows aside."""
    plain = ("--precision", "float64")
    words = (*plain, "--on-bad-lines", "skip", "--rejects", place.folder / "rejects.csv")
    tools = [
        place.fit("regress fit", place.csv, *plain),
        place.fit("regress fit --on-bad-lines skip", place.csv, *words, limits=(Limit(1.1, "regress fit"),)),
    ]
    yield Table(place.title(place.csv), "regress fit", tools, coefficients(place.model))


def report(place: Place) -> Iterator[Table]:
    """Fit a CSV file, and make a page of it."""
    page = place.folder / "page.html"

    def told(printed: str) -> list[float]:
        held = printed_json(printed)
        if not 0 < page.stat().st_size < 1e6:
            raise Failed(f"the page has {page.stat().st_size:,} bytes.")
        return [held["intercept"], *held["coef"].values()]

    page.write_text("none yet", encoding="utf-8")
    command = cli("fit", place.csv, "--target", TARGET, "--precision", "float64", "--json")
    tools = [
        Tool("regress fit", command, told),
        Tool("regress fit --report", [*command, "--report", str(page)], told, limits=(Limit(1.05, "regress fit"),)),
    ]
    yield Table(place.title(place.csv), "regress fit", tools, coefficients(place.model))


def start(place: Place) -> Iterator[Table]:
    """Start, and fit a small file."""
    data, target = ROOT / "data" / "diabetes.csv", "progression"
    tools = [
        Tool(EMPTY, [sys.executable, "-c", "pass"], peer=True),
        Tool("import regress", [sys.executable, "-c", "import regress"]),
        Tool("regress --help", cli("--help")),
        place.fit("regress fit data/diabetes.csv", data, target=target),
    ]
    reference = printed_json(run(child("files", "pandas_fit", data, target)).printed)
    yield Table("small things", EMPTY, tools, reference)


CASES: dict[str, Callable[[Place], Iterator[Table]]] = {
    case.__name__: case
    for case in (
        *(floor, memory, wide, inputs, csv, formula, csv4, parquet, predict, rejects, report, exact, gradient),
        start,
    )
}
