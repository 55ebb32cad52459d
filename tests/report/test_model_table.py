"""Models side by side: each format is read back by another parser, and every number is that of the fit."""

import csv
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import markdown
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.iolib.summary2 import summary_col

import regress
from regress.errors import InputError
from regress.messages import visible
from regress.report.model_table import stars
from tests.command import run
from tests.report.situations import DATA, SITUATIONS, fitted, with_outcome

PENGUINS = str(DATA / "penguins.csv")
FORMULAS = (
    "body_mass_g ~ flipper_length_mm",
    "body_mass_g ~ flipper_length_mm + species",
    "body_mass_g ~ flipper_length_mm + species + sex",
)


@pytest.fixture(scope="module")
def fits():
    return [regress.fit(PENGUINS, formula, missing="drop") for formula in FORMULAS]


class _Html(HTMLParser):
    """The rows of a table: the text of their cells."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags = [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1] and data != "\n":
            self.rows[-1][-1] += data


def of_html(table):
    read = _Html(table.to_html())
    assert read.tags <= {"table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    return [row for row in read.rows if len(row) > 1], [row[0] for row in read.rows if len(row) == 1]


def of_markdown(table):
    read = _Html(markdown.markdown(table.to_markdown().split("\n\n")[0], extensions=["tables"]))
    assert read.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    notes = [markdown.markdown(note) for note in table.to_markdown().strip().split("\n\n")[1:]]
    return read.rows, [_Html(f"<tr><td>{note}").rows[0][0] for note in notes]


_COMMANDS = {
    r"\_": "_", r"\%": "%", r"\&": "&", r"\#": "#", r"\$": "$", r"\{": "{", r"\}": "}", "{}": "", "$-$": "−",
    r"\textbackslash ": "\\", r"\textasciitilde ": "~", r"\textasciicircum ": "^", r"\space ": " ",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"\textasciigrave{}": "`",
    r"\textquotedbl{}": '"', r"\textquotesingle{}": "'", r"\ldots{}": "…", r"\textsuperscript{2}": "²",
    r"\quad{}": "\N{EM SPACE}",
}  # fmt: skip
_TOKEN = re.compile("|".join(map(re.escape, sorted(_COMMANDS, key=len, reverse=True))) + r"|[^\\{}$&#%_^~]")


def plain(latex):
    """Return the text that LaTeX sets for one cell; nothing in it may be a mark that is not known."""
    tokens = _TOKEN.findall(latex)
    assert "".join(tokens) == latex, latex
    assert "--" not in latex  # which LaTeX makes a dash
    return "".join(_COMMANDS.get(token, token) for token in tokens)


def of_latex(table):
    comment, begin, top, *lines = table.to_latex().splitlines()
    assert comment.startswith("% Needs \\usepackage{booktabs}")
    assert (begin, top) == (rf"\begin{{tabular}}{{l{'c' * len(table.names)}}}", r"\toprule")
    end = lines.index(r"\end{tabular}")
    assert lines[end - 1] == r"\bottomrule"
    rows = [line for line in lines[: end - 1] if line != r"\midrule"]
    assert all(row.endswith(r" \\") and not row.startswith(("[", "*")) for row in rows)
    cells = [[plain(cell) for cell in re.split(r"(?<!\\) ?& ", row.removesuffix(r" \\"))] for row in rows]
    assert lines[end + 1 : end + 3] == [r"\par\smallskip", r"{\footnotesize\raggedright"]
    assert lines[-1] == "}"
    return cells, [plain(line.removesuffix(r"\par")) for line in lines[end + 3 : -1]]


def of_text(table):
    """Return the rows of the table as text: columns are where no line has a letter, two blanks or more."""
    lines, notes = str(table).split("\n\n")[:2], str(table).split("\n\n")[2]
    rows = "\n".join(lines).splitlines()
    wide = max(map(len, rows))
    blank = "".join(" " if all(line[at : at + 1] in ("", " ") for line in rows) else "x" for at in range(wide))
    starts = [0, *(found.end() for found in re.finditer(r"  +", blank) if found.start())]
    cells = [[row[a:b].rstrip() for a, b in zip(starts, [*starts[1:], wide], strict=True)] for row in rows]
    fixed = [[first.replace("  ", "\N{EM SPACE}"), *(cell.strip() for cell in others)] for first, *others in cells]
    return fixed, notes.splitlines()


READERS = {"html": of_html, "markdown": of_markdown, "latex": of_latex, "text": of_text}


def body(form, table):
    """Return the rows below the head as name and cells, and the notes."""
    rows, notes = READERS[form](table)
    heads = 1 if form == "markdown" else 2
    if form == "markdown":
        assert rows[0][1:] == [f"{name} {r.trained.target}" for name, r in zip(table.names, table.records, strict=True)]
    else:
        assert rows[0] == ["", *table.names]
        assert rows[1] == ["", *(r.trained.target for r in table.records)]
    return rows[heads:], notes


def number(text):
    return float(text.strip("()*").replace(",", "").replace("−", "-"))


def close(text, value):
    """Tell whether a number that is shown is a value, rounded to the last digit that is shown."""
    shown = text.strip("()*").replace(",", "")
    last = len(shown.partition(".")[2])
    return abs(number(text) - value) <= 0.5000001 * 10.0**-last


@pytest.mark.parametrize("form", READERS)
def test_every_number_is_that_of_the_fit(fits, form):
    table = regress.table(*fits)
    rows, notes = body(form, table)
    names = {
        "(intercept)": "(intercept)",
        "flipper_length_mm": "flipper_length_mm",
        "\N{EM SPACE}Chinstrap": "species=Chinstrap",
        "\N{EM SPACE}Gentoo": "species=Gentoo",
        "\N{EM SPACE}male": "sex=male",
    }
    assert [row[0] for row in rows if row[0]] == [
        *("(intercept)", "flipper_length_mm", "species", "\N{EM SPACE}Adelie", "\N{EM SPACE}Chinstrap"),
        *("\N{EM SPACE}Gentoo", "sex", "\N{EM SPACE}female", "\N{EM SPACE}male"),
        *("Rows", "R²", "Adjusted R²", "Residual std. error"),
    ]
    seen = 0
    for (name, *coefs), (below, *errors) in pairwise(rows):
        if name not in names:
            continue
        assert below == ""
        for coef, error, fit in zip(coefs, errors, fits, strict=True):
            line = next((line for line in fit.record.coefficients if line.name == names[name]), None)
            assert (line is None) == (coef == "") == (error == "")
            if line is not None:
                seen += 1
                assert close(coef, line.coef)
                assert close(error, line.std_err)
                assert error == f"({error.strip('()')})"
    assert seen == 2 + 4 + 5
    figures = {row[0]: row[1:] for row in rows if row[0]}
    assert figures["\N{EM SPACE}Adelie"] == ["", "reference", "reference"]
    assert [number(cell) for cell in figures["Rows"]] == [342, 342, 333]
    assert all(close(cell, fit.r2) for cell, fit in zip(figures["R²"], fits, strict=True))
    assert all(close(cell, fit.rsquared_adj) for cell, fit in zip(figures["Adjusted R²"], fits, strict=True))
    assert all(close(c, f.statistics.sigma) for c, f in zip(figures["Residual std. error"], fits, strict=True))
    assert notes == [
        "In parentheses: classical (nonrobust) standard errors.",
        "The models have different rows, so R² and standard errors are not directly comparable.",
    ]


def test_the_guide_shows_this_table(fits):
    guide = (DATA.parent / "docs" / "how-to" / "tables.md").read_text(encoding="utf-8")
    assert f"```text\n{regress.table(*fits)}\n```\n" in guide


@pytest.mark.parametrize("form", READERS)
def test_intervals_and_stars(fits, form):
    table = regress.table(*fits[1:], names=["A", "B"], intervals=True, stars=True)
    rows, notes = body(form, table)
    at = [row[0] for row in rows].index("flipper_length_mm")
    for coef, ends, fit in zip(rows[at][1:], rows[at + 1][1:], fits[1:], strict=True):
        low, high = re.fullmatch(r"\[(.+), (.+)\]", ends).groups()
        line = fit.record.coefficients[1]
        assert close(low, line.ci_low)
        assert close(high, line.ci_high)
        assert close(coef, line.coef)
        assert coef.endswith("***")
    assert notes[:2] == [
        "In brackets: 95 % confidence intervals from classical (nonrobust) standard errors.",
        "*** p < 0.001, ** p < 0.01, * p < 0.05.",
    ]
    ours = {name: [cell.count("*") for cell in cells] for name, *cells in rows}
    p = [fit.pvalues["species=Gentoo"] for fit in fits[1:]]
    assert ours["\N{EM SPACE}Gentoo"] == [sum(bool(v < level) for level in (0.05, 0.01, 0.001)) for v in p]


def test_the_numbers_are_those_of_statsmodels_summary_col(fits):
    frame = pd.read_csv(PENGUINS).dropna(subset=["body_mass_g", "flipper_length_mm"])
    dummies = pd.get_dummies(frame.species, prefix="species", prefix_sep="=", drop_first=True, dtype=float)
    X = sm.add_constant(pd.concat([frame.flipper_length_mm, dummies], axis=1)).rename(columns={"const": "(intercept)"})
    theirs = summary_col(
        [sm.OLS(frame.body_mass_g, X.iloc[:, :2]).fit(), sm.OLS(frame.body_mass_g, X).fit()],
        float_format="%.10g",
        model_names=["(1)", "(2)"],
    ).tables[0]
    ours = regress.table(*fits[:2]).to_frame()
    names = [name for name, statistic in ours.index if statistic == "coef"]
    assert names == list(X.columns)
    for name in names:
        at = list(theirs.index).index(name)
        coefs, errors = theirs.iloc[at], theirs.iloc[at + 1].str.strip("()")
        np.testing.assert_allclose(ours.loc[(name, "coef")], pd.to_numeric(coefs), rtol=1e-8)
        np.testing.assert_allclose(ours.loc[(name, "std_err")], pd.to_numeric(errors), rtol=1e-8)
    for theirs_name, ours_name in (("R-squared", "r2"), ("R-squared Adj.", "r2_adjusted")):
        np.testing.assert_allclose(ours.loc[("", ours_name)], pd.to_numeric(theirs.loc[theirs_name]), rtol=1e-8)


def test_csv_has_all_digits(fits):
    table = regress.table(*fits, intervals=True, stars=True)
    head, targets, *rows = csv.reader(io.StringIO(table.to_csv()))
    assert head == ["name", "statistic", "(1)", "(2)", "(3)"]
    assert targets == ["", "target", *["body_mass_g"] * 3]
    frame = table.to_frame()
    assert [tuple(row[:2]) for row in rows] == list(frame.index)
    assert {row[1] for row in rows if row[0]} == {"coef", "ci_low", "ci_high", "p_value"}
    for row, values in zip(rows, frame.to_numpy(), strict=True):
        for cell, value, fit in zip(row[2:], values, fits, strict=True):
            assert (cell == "") == np.isnan(value)
            if cell:
                assert float(cell) == value
                assert not row[0] or value == fit.coefficients.loc[row[0], row[1]]


EVIL = [
    "a|b",
    "<script>alert(1)</script>",
    "&lt;b&gt; & Co",
    r"\input{/etc/passwd} $x$ 5 % #1 ~ ^2 \\",
    "[x](http://a.b) *bold* `code` __u__",
    "[0pt] & \\\\",
    "*star",
    "new\nline\tand \x1b[31m\u202e",
    "\N{EM SPACE}wide\u2003",
    "=1+1",
    "~~a~~ $x$ x^2^ @who",
    "say \"no\", 'yes' -- x",
    "ends with \\",
]


@pytest.mark.parametrize("form", READERS)
def test_names_are_text_in_every_format(form):
    """Columns, levels, targets and names of models say what they like: they come back as the text that they are."""
    random = np.random.default_rng(0)
    rows = {name: random.normal(size=40) for name in EVIL}
    target, level = f"y{EVIL[4]}", f"k{EVIL[1]}"
    frame = pd.DataFrame(rows)
    frame[target] = random.normal(size=40)
    frame[level] = [EVIL[k % 3] for k in range(40)]
    table = regress.table(regress.fit(frame, target), names=["m|<i>\\x"])
    cells, notes = READERS[form](table)
    found = [row[0].strip(" ") for row in cells]
    shown = [visible(name) for name in EVIL]
    if form == "markdown":
        assert not set("$~^@") & set(table.to_markdown())  # marks of some dialects
        assert cells[0][1] == f"m|<i>\\x {visible(target)}"
    else:
        assert (cells[0][1], cells[1][1]) == ("m|<i>\\x", visible(target))
    assert [name for name in found if name in shown] == shown
    assert visible(level) in found
    assert {f"\N{EM SPACE}{visible(name)}" for name in EVIL[:3]} <= set(found)
    assert len({len(row) for row in cells}) == 1
    assert notes == ["In parentheses: classical (nonrobust) standard errors."]


def test_names_are_quoted_in_csv():
    rows = {name: np.random.default_rng(k).normal(size=40) for k, name in enumerate([*EVIL, "y"])}
    read = list(csv.reader(io.StringIO(regress.table(regress.fit(rows, "y")).to_csv())))
    assert [row[0] for row in read if row[1] == "coef"][1:] == [visible(name) for name in EVIL]
    assert {len(row) for row in read} == {3}


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_format_shows_the_same(name):
    table = regress.table(fitted(name), intervals=name != "plain", stars=True)

    def read(form):
        rows, notes = body(form, table)
        return [re.sub(r"(?<=\d),(?=\d)", "", cell).replace("−", "-") for row in rows for cell in row], notes

    assert read("html") == read("markdown") == read("latex") == read("text")
    coefs = table.to_frame()["(1)"][:, "coef"]
    np.testing.assert_array_equal(coefs, fitted(name).coefficients["coef"])


SAID = {
    "alpha": "No standard errors in B. A penalty biases the coefficients, so their standard errors should not be "
    "interpreted.|Ridge regression (alpha 2) in B.",
    "not converged": "Not converged in B.",
    "no intercept": "There is no intercept in B: R² is uncentered.",
    "HC1": "In parentheses: classical (nonrobust) standard errors in A; robust (HC1) standard errors in B.",
    "weights": "Analytic weights in B.",
    "frequency": "Frequency weights in B.",
    "dependent": "Columns depend on each other in B. Not unique: x0, x1, x3.",
    "one column": "",
    "held out": "The models have different rows, so R² and standard errors are not directly comparable.",
}


@pytest.mark.parametrize("name", SAID)
def test_notes_name_what_a_model_lacks_or_does_otherwise(name):
    table = regress.table(fitted("plain"), fitted(name), names=["A", "B"])
    notes = str(table).split("\n\n")[2].splitlines()
    for said in filter(None, SAID[name].split("|")):
        assert said in notes
    assert len(notes) == (1 if name in ("HC1", "one column") else 1 + len(SAID[name].split("|")))


def test_what_all_models_do_is_said_without_their_names():
    notes = str(regress.table(fitted("alpha"), fitted("alpha"))).split("\n\n")[2].splitlines()
    assert notes[-1] == "Ridge regression (alpha 2)."
    assert notes[0].startswith("No standard errors. A penalty")


def test_a_model_that_did_not_converge_has_coefficients_only():
    table = regress.table(fitted("not converged"), stars=True)
    values = table.to_frame()["(1)"]
    assert values[:, "coef"].notna().all()
    assert values[:, "std_err"].isna().all()
    assert values[:, "p_value"].isna().all()
    assert "(" not in str(table).split("\n\n")[0].replace("(1)", "").replace("(intercept)", "")
    early = regress.table(with_outcome(fitted("plain"), trained={"status": "early_stopping"}), stars=True)
    assert str(early).endswith("\n\n*** p < 0.001, ** p < 0.01, * p < 0.05.\nStopped early.")
    assert early.to_frame()["(1)"][:, "std_err"].isna().all()
    assert all("*" not in cell and cell[:1] != "(" for row in body("text", early)[0] for cell in row[1:])


@pytest.mark.parametrize(
    ("p_value", "mark"), [(0.05, ""), (0.0499, "*"), (0.01, "*"), (0.0099, "**"), (0.001, "**"), (0.0009, "***")]
)
def test_stars_begin_below_their_level(p_value, mark):
    assert stars(p_value) == mark


def test_columns_without_a_coefficient_have_a_word():
    text = str(regress.table(fitted("dropped"), fitted("constant column")))
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith("x")}
    assert rows["x2"][0] == "excluded"
    assert rows["x3"] == ["excluded", "constant"]


def test_held_out_rows_and_other_targets_and_tables_are_said():
    frame = pd.read_csv(PENGUINS).dropna()
    one = regress.fit(PENGUINS, "log(body_mass_g) ~ C(species, ref='Gentoo')", missing="drop", test_size=0.3)
    two = regress.fit(frame, "body_mass_g ~ species + C(sex, coding='sum')")
    text = str(regress.table(one, two))
    assert re.search(rf"^R² on held-out rows +{one.r2_test:.4f}$", text, re.MULTILINE)
    assert text.split("\n\n")[2].splitlines()[1:] == [
        "Sum coding of sex (without male) in (2).",
        "Reference levels differ: species.",
        "Dependent variables differ, so R² and residual standard errors are not comparable.",
        "Tables differ: penguins.csv in (1); the frame in (2).",
    ]
    at = text.splitlines().index("species")
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()[at:] if line.startswith("  ")}
    assert rows["Gentoo"][0] == "reference"
    assert rows["Adelie"][1] == "reference"


def test_decimal_points_stand_in_one_column(fits):
    lines = str(regress.table(*fits[:1], stars=True)).split("\n\n")
    numbers = [line for part in lines[:2] for line in part.splitlines() if "." in line.split()[-1]]
    assert len(numbers) == 5
    assert len({line.rindex(".") for line in numbers}) == 1


def test_models_may_be_files(fits, tmp_path):
    fits[0].save(tmp_path / "m.json")
    assert str(regress.table(tmp_path / "m.json", str(tmp_path / "m.json"))) == str(regress.table(fits[0], fits[0]))


def test_a_notebook_shows_the_table(fits):
    table = regress.table(*fits)
    assert table._repr_html_() == table.to_html()
    assert repr(table) == "ModelTable(3 models)"
    assert table.to_html().isascii()


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        ([], None, "at least one fit"),
        ([1.5], None, "an object of type float"),
        (["fit"], ["a", "b"], "Models: 1; names: 2"),
        (["fit", "fit"], ["a", "a"], "'a' occurs twice"),
        (["fit"], "a", "takes a list of texts"),
        (["fit"], [1], "takes a list of texts"),
    ],
)
def test_wrong_arguments_are_refused(fits, given, names, message):
    with pytest.raises(InputError, match=message):
        regress.table(*(fits[0] if one == "fit" else one for one in given), names=names)


@pytest.fixture
def files(fits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, fit in zip("ab", fits, strict=False):
        fit.save(f"{name}.json")
    return ["a.json", "b.json"]


def test_the_command_line_writes_what_python_returns(fits, files, tmp_path):
    table = regress.table(*fits[:2], names=["x", "y"], stars=True)
    made = {"md": table.to_markdown(), "latex": table.to_latex(), "html": table.to_html(), "csv": table.to_csv()}
    made["text"] = f"{table}\n"
    endings = {"md": "md", "latex": "tex", "html": "html", "csv": "csv", "text": "txt"}
    for form, text in made.items():
        options = ["--names", "x,y", "--stars"]
        assert run("table", *files, *options, "--to", form) == (0, text, "")
        assert run("table", *files, *options, "-o", f"t.{endings[form]}") == (0, "", "")
        assert (tmp_path / f"t.{endings[form]}").read_text(encoding="utf-8") == text
    assert run("table", *files, "--intervals")[1] == f"{regress.table(*fits[:2], intervals=True)}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'MODEL...'"),
        (["a.json", "-o", "t.doc"], "Name the format with --to"),
        (["a.json", "-o", "a.json", "--to", "csv"], "--output would overwrite a.json"),
        (["a.json", "b.json", "--names", "x"], "--names takes one name for each model"),
        (["c.json"], "c.json cannot be read"),
    ],
)
def test_wrong_words_on_the_command_line_are_refused(files, arguments, message):
    code, out, err = run("table", *arguments)
    assert (code, out) == (2, "")
    assert message in err
