"""Documents and the strings of the package are in plain words: short sentences, textbook terms, American spelling."""

from pathlib import Path

import pytest

from tests import words
from tests.words import DOCSTRING, DOCUMENT, MESSAGE, Text

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    ROOT / "data" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
SOURCES = [*sorted((ROOT / "regress").rglob("*.py")), *sorted((ROOT / "regress" / "report").rglob("*.html"))]


def name(path):
    return str(path.relative_to(ROOT))


def found_in(path):
    return words.violations(words.texts_of(path, ROOT))


def listed(found):
    return "\n".join(map(str, found))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_documents_are_in_plain_words(path):
    assert not (found := found_in(path)), listed(found)


def test_strings_of_the_package_are_in_plain_words():
    found = [violation for path in SOURCES for violation in found_in(path)]
    assert not found, listed(found)


def test_texts_are_found_where_readers_meet_them():
    assert len(DOCUMENTS) > 20
    modules = {str(path.relative_to(ROOT / "regress")): path for path in SOURCES if path.suffix == ".py"}
    read = {module: {text.words for text in words.of_module(path, ROOT)} for module, path in modules.items()}
    assert "Base of every exception that the package raises on purpose." in read["errors.py"]
    assert any(text.startswith("Maximum number of iterations.") for text in read["options/train.py"])
    assert any(text.startswith("value must be a finite number value; got value.") for text in read["errors.py"])
    assert any(text.startswith("Fit TABLE (CSV") for text in read["cli/main.py"])
    assert any("rests on a single row" in text for text in read["api/notes.py"])
    templates = [text for path in SOURCES if path.suffix == ".html" for text in words.of_template(path, ROOT)]
    assert len(templates) > 20


# Every rule can fail


@pytest.mark.parametrize("limit", [MESSAGE, DOCSTRING, DOCUMENT])
def test_a_sentence_one_word_too_long_is_found(limit):
    short = " ".join(["word"] * limit) + "."
    assert not list(words.broken(short, limit))
    assert list(words.broken("one " + short, limit)) == [f"{limit + 1} words, at most {limit}"]


AVOIDED = {
    "Refuse a cell that is none.": "not 'that is none'",
    "Such cells are no numbers.": "not 'are no numbers'",
    "Columns are summed in double.": "not 'summed in double'",
    "Certified by exact sums: all digits.": "not 'exact sums'",
    "The error moves ŷ by 3.": "not 'moves ŷ by'",
    "Rows without a target are left out.": "not 'left out'",
    "Skipping leaves bad rows out.": "not 'leaves bad rows out'",
    "Predictions do not suffer.": "not 'do not suffer'",
    "Single coefficients mean little.": "not 'mean little'",
    "Most levels of a column.": "not 'Most levels of'",
    "The most that an error may be.": "not 'The most that'",
    "It says 3, we say 4.": "not 'we say'",
    "LinearRegression() does not agree with us.": "not 'agree with us'",
    "The encoding is told by a flag.": "not 'is told'",
    "Mend the line.": "not 'Mend the'",
    "It never falls back in silence.": "not 'in silence'",
    "It is faster than its rivals.": "not 'rivals'",
    "Digits right in the worst coefficient.": "not 'Digits right'",
    "The picture shows what is left.": "not 'what is left'",
    "Every row in gives a row out.": "not 'a row out'",
    "The whole table is read.": "not 'whole'",
    "It is drawn beside the table.": "not 'beside'",
    "It is a file that nobody reads.": "not 'nobody'",
    "The fits are scikit-learn's and ours.": "not 'ours'",
    "The columns are equal but for rounding.": "not 'but for'",
    "It needs a loss, and there is none.": "not 'there is none'",
    "The first cells do not decide: tell whether they do.": "not 'tell whether'",
    "Equations are found among the columns.": "not 'found among'",
    "The summary says so.": "not 'says so'",
    "It was asked for by a flag.": "not 'was asked for'",
    "What remains is rounding.": "not 'What remains is rounding.'",
    "Run it again to be able to go on.": "not 'to be able to go on'",
    "The key is no feature.": "not 'is no feature'",
    "Pass numbers, one a row.": "not 'one a row'",
    "Remove it to start anew.": "not 'anew'",
    "They are rounded all the same.": "not 'all the same'",
}


@pytest.mark.parametrize(("sentence", "rule"), AVOIDED.items())
def test_a_phrase_to_avoid_is_found(sentence, rule):
    assert [found.partition(":")[0] for found in words.broken(sentence, MESSAGE)] == [rule]


def test_every_phrase_is_tried():
    tried = {
        better for rule in AVOIDED for found in words.broken(rule, MESSAGE) for better in [found.split(": ", 1)[1]]
    }
    assert tried == {*words.PHRASES.values(), *words.READER_PHRASES.values()}


@pytest.mark.parametrize(
    "sentence",
    [
        "Most tables are small.",
        "The rate is at most 2.",
        "Predictions mean ŷ.",
        "The file is on the left.",
        "Exact arithmetic sums the rows.",
        "The house next to the road is red.",
        "What is wrong?",
        "What CI does",
        "The result is right: every digit.",
        "It is none of these, and options that are None are detected.",
        "The behavior of color is analyzed by one parameter.",
    ],
)
def test_plain_words_are_no_false_alarm(sentence):
    assert not list(words.broken(sentence, MESSAGE))


@pytest.mark.parametrize(
    "word", ["standardise", "Minimised", "colour", "analysed", "behaviour", "centring", "labelled"]
)
def test_british_spelling_is_found(word):
    assert list(words.broken(f"They {word} it.", MESSAGE)) == [f"American spelling: {word!r}"]


def test_sentences_end_at_marks():
    text = "One is 1.5. regress fits, e.g. a line! (Really?) “Yes.” It is final. It ends"
    found = ["One is 1.5.", "regress fits, e.g. a line!", "(Really?)", "“Yes.”", "It is final.", "It ends"]
    assert words.sentences(text) == found
    assert words.length("a = b · c – 3 (all)") == 5


MARKDOWN = """# Title

A `code in silence` and
a [link](in/silence.md) end. Another $x$
sentence.

- first item
  goes on
- second item

```bash
in silence
```

| in silence | table |
|---|---|

    in silence = 1

<!-- in silence -->
$$in silence$$
Term
:   Definition.
"""


def test_documents_are_read_outside_code_tables_and_formulas(tmp_path):
    (tmp_path / "a.md").write_text(MARKDOWN, encoding="utf-8")
    read = words.of_markdown(tmp_path / "a.md", tmp_path)
    assert [(text.line, text.words) for text in read] == [
        (1, "Title"),
        (3, "A value and a link end. Another value sentence."),
        (7, "first item goes on"),
        (9, "second item"),
        (22, "Term"),
        (23, "Definition."),
    ]


MODULE = '''"""A module."""

LABEL = "a label" + f" of {3} words" * True + "."
KEY = "key"


def public(n):
    """Do a thing.

    Parameters
    ----------
    n : int
        A number.
        Two lines.

    Examples
    --------
    >>> public(1)
    in silence
    """
    raise ValueError(f"A sum of {n + 1} rows"
                     f" and {'some texts'} more.")


def _private():
    """In silence."""
'''


def test_modules_are_read_by_their_messages_and_public_docstrings(tmp_path):
    (tmp_path / "a.py").write_text(MODULE, encoding="utf-8")
    read = words.of_module(tmp_path / "a.py", tmp_path)
    assert [(text.line, text.words, text.limit) for text in read] == [
        (1, "A module.", DOCSTRING),
        (8, "Do a thing.", DOCSTRING),
        (13, "A number. Two lines.", DOCSTRING),
        (3, "a labelvalue.", MESSAGE),
        (3, "of value words", MESSAGE),
        (21, "A sum of value rows and value more.", MESSAGE),
        (22, "some texts", MESSAGE),
    ]


TEMPLATE = """<style>in silence</style>
{# in silence #}
<p title="x">A <b>bold</b> {{ value_of("in silence") }}
word.</p>
{% if in_silence %}<p>More</p>{% endif %}
"""


def test_templates_are_read_between_their_tags(tmp_path):
    (tmp_path / "a.html").write_text(TEMPLATE, encoding="utf-8")
    read = words.of_template(tmp_path / "a.html", tmp_path)
    assert [(text.line, text.words) for text in read] == [(3, "A bold value word."), (5, "More")]


def test_a_violation_names_its_place():
    found = words.violations([Text("a.md", 3, "It is fine. Colour it.", DOCUMENT)])
    assert listed(found) == "a.md:3: Colour it. [American spelling: 'Colour']"


def test_the_checker_lists_the_violations_of_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("It is fine.\n\nColour it.\n", encoding="utf-8")
    assert words.main(["a.md"]) == 1
    assert capsys.readouterr().out == "a.md:3: Colour it. [American spelling: 'Colour']\n"
    (tmp_path / "b.py").write_text('"""It is fine."""\n', encoding="utf-8")
    assert words.main(["b.py"]) == 0
    assert capsys.readouterr().out == ""
