"""Plain words: what the project may not write to its readers, and how long a sentence may be.

Texts are found in two places: Markdown documents, and the strings of the package's modules and page templates.
``python -m tests.words FILES`` lists the sentences of some files that break a rule.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DOCUMENT, DOCSTRING, MESSAGE = 30, 30, 25  # words in a sentence, at most

PHRASES: Mapping[str, str] = {  # what is avoided, as a regular expression: what to write
    r"(?:(?:that|which|it) is|that are) (?-i:none)(?! of)": "is not a number, is invalid",
    r"(?:is|are) no numbers?": "is not a number",
    r"(?:sums?|summed|added|factored) in doubles?": "in float64",
    r"exact sums?": "exact arithmetic",
    r"mov(?:es?|ed|ing) (?:ŷ|y|(?:a )?fitted values?|(?:a )?predictions?) by": "changes a fitted value by",
    r"left out|leaves? (?:them|it|those|bad rows) out": "excluded",
    r"(?:do|does|did) not suffer|suffers? from": "is unaffected",
    r"(?:mean|means|say|says) (?:very )?little": "should not be interpreted",
    r"^most (?:levels|rows|iterations|categories|columns) (?:of|to|in|that)|the most (?:that|rows|levels)": "maximum",
    r"(?:we|us) (?:say|find|get|have|count|call|give|predict)": "the name of the tool",
    r"(?:agrees?|disagrees?) with us|of ours|our own": "the name of the tool",
    r"(?:is|are|was|were|be|been) told": "is given",
    r"mend (?:the|it|them|this|that)": "fix",
    r"in silence": "without a message",
    r"rivals?": "the other tools",
    r"digits? right|right digits?": "correct digits",
    r"what is left": "the remainder",
    r"(?:no|any|a) row out": "one output row per input row",
    r"whole": "complete, all, integer",
    r"beside": "next to, compared with",
    r"nobody": "name who does it, or use the passive",
    r"ours": "the name of the tool",
    r"but for": "except for",
}

READER_PHRASES: Mapping[str, str] = {  # what is avoided as well in documents and messages
    r"(?:has|have|was|were|needs?|there is|there are) (?-i:none)(?! of)|(?-i:none) (?:is|are|was|were)": "no, not one",
    r"tells? (?:by|whether|where|which|apart)": "given, shows",
    r"found (?:among|at once|late|by|out)": "detected, appears",
    r"says? (?:so|what|where|which|how)": "reports",
    r"(?:is|are|was|were) asked for|as asked": "is required, requested",
    r"(?:^|, |; |: |and |or |than |on |from |of )what (?!a (?:fit|certificate))[^?]*(?<=\.)": "name the thing",
    r"to be able to go on|go on with --resume": "continue",
    r"(?<!there )(?:is|are) no (?!longer|more|other|such|numbers?)\w+": "is not a",
    r"one an? (?:row|tool|chart|column|line|part|batch|day|site)|an? (?:row|line|value) an? [a-z]+": "one per row",
    r"anew": "again",
    r"all the same": "nevertheless",
}

_STEMS = (
    "standard|minim|maxim|normal|regular|optim|initial|penal|recogn|organ|summar|general|parametr|factor|serial|vector|"
    "random|visual|central|equal|local|character|emphas|util|real|material"
)
_BRITISH = (
    "analysed analysing colours? coloured behaviours? neighbours? neighbouring favours? favourites? honours? "
    "labell(ed|ing) modell(ed|ing) cancell(ed|ing) travell(ed|ing) signall(ed|ing) centres? centred centring fibres? "
    "catalogues? dialogues? programmes? defences? offences? licences? judgements? artefacts? metres? grey"
    " whilst amongst learnt spelt"
)
SPELLING = re.compile(
    rf"\b(?:(?:{_STEMS})is(?:e|ed|es|ing|ation|er|ers)|{'|'.join(_BRITISH.split())})\b", re.IGNORECASE
)
_PHRASES, _READER_PHRASES = (
    {re.compile(rf"(?<!\w)(?:{found})(?!\w)", re.IGNORECASE): better for found, better in phrases.items()}
    for phrases in (PHRASES, READER_PHRASES)
)

_SENTENCE_END = re.compile(r"""[.!?…]["'”’)\]*_]*$""")
_ABBREVIATIONS = ("e.g.", "i.e.", "etc.", "vs.", "cf.", "al.", "p.", "No.")
_CODE_SPAN = re.compile(r"``.+?``|`[^`]*`", re.DOTALL)
_FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+(?:\n[^$\n]+)?\$", re.DOTALL)
_VALUE = "value"  # stands for code, a formula or a placeholder


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, and where it begins."""

    file: str
    line: int
    words: str
    limit: int


@dataclass(frozen=True, slots=True)
class Violation:
    """A sentence that breaks a rule."""

    file: str
    line: int
    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence} [{self.rule}]"


def sentences(text: str) -> list[str]:
    """Split a paragraph after full stops, question marks and exclamation marks."""
    found: list[list[str]] = [[]]
    for word in text.split():
        found[-1].append(word)
        if _SENTENCE_END.search(word) and word.lstrip("([“") not in _ABBREVIATIONS:
            found.append([])
    return [" ".join(words) for words in found if words]


def length(sentence: str) -> int:
    """Count the words of a sentence; a mark that stands alone is no word."""
    return sum(any(map(str.isalnum, word)) for word in sentence.split())


def violations(texts: Iterable[Text]) -> list[Violation]:
    """Return what breaks a rule: long sentences, phrases to avoid, British spelling."""
    return [
        Violation(text.file, text.line, rule, sentence)
        for text in texts
        for sentence in sentences(text.words)
        for rule in broken(sentence, text.limit, for_readers=text.file.endswith(".md") or text.limit == MESSAGE)
    ]


def broken(sentence: str, limit: int, *, for_readers: bool = True) -> Iterator[str]:
    """Yield the rules that a sentence breaks; documents and messages have more rules than docstrings."""
    if (count := length(sentence)) > limit:
        yield f"{count} words, at most {limit}"
    phrases = {**_PHRASES, **_READER_PHRASES} if for_readers else _PHRASES
    for phrase, better in phrases.items():
        if found := phrase.search(sentence):
            yield f"not {found[0]!r}: {better}"
    if found := SPELLING.search(sentence):
        yield f"American spelling: {found[0]!r}"


# Markdown


def of_markdown(path: Path, root: Path) -> list[Text]:
    """Return the paragraphs of a document without code, tables, formulas and comments."""
    content = path.read_text(encoding="utf-8")
    for fenced in (re.compile(r"^( *)```.*?^\1```$", re.M | re.S), re.compile(r"<!--.*?-->", re.S)):
        content = fenced.sub(lambda found: "\n" * found[0].count("\n"), content)
    content = re.sub(r"\$\$.+?\$\$", lambda found: "\n" * found[0].count("\n"), content, flags=re.S)
    for span in (_CODE_SPAN, _FORMULA):
        content = span.sub(lambda found: _VALUE + "\n" * found[0].count("\n"), content)
    content = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", content)
    return list(_paragraphs(content.splitlines(), str(path.relative_to(root)), DOCUMENT))


_ITEM = re.compile(r"^ *(?:[-*+]|\d+\.) +|^: +|^#+ +")


def _paragraphs(lines: list[str], file: str, limit: int) -> Iterator[Text]:
    start, words, inside_item = 0, list[str](), False
    for number, line in enumerate([*lines, ""], 1):
        begins = _ITEM.match(line)
        table = line.lstrip().startswith("|")
        indented = line.startswith("    ") and not inside_item
        if words and (begins or table or indented or not line.strip()):
            yield Text(file, start, " ".join(words), limit)
            words = []
        if line.strip() and not line.startswith("    "):
            inside_item = (bool(begins) and line[0] != "#") or (inside_item and line[0] == " ")
        if not line.strip() or table or indented:
            continue
        start = start if words else number
        words.append(_ITEM.sub("", line).strip().replace("**", "").replace("*", ""))
        if line.startswith("#"):
            yield Text(file, start, " ".join(words), limit)
            words = []


# Python


def of_module(path: Path, root: Path) -> list[Text]:
    """Return the messages of a module, and the docstrings of what is public in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    file = str(path.relative_to(root))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    found = [text for node in _public(tree) for text in _docstring(node, file)]
    for node in _outermost_texts(tree):
        words = _read(node)
        if id(node) not in docstrings and len(words.split()) > 1:
            found += [Text(file, node.lineno, " ".join(part.split()), MESSAGE) for part in words.split("\n\n") if part]
    return found


def _public(node: ast.AST) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield a module and the classes and functions in it whose names have no leading underscore."""
    if isinstance(node, ast.Module):
        yield node
    if isinstance(node, ast.Module | ast.ClassDef):
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
                yield child
                yield from _public(child)


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, file: str) -> Iterator[Text]:
    """Yield the paragraphs of a docstring in numpydoc form, without its examples and lines of names and types."""
    text = ast.get_docstring(node)
    if text is None:
        return
    first = node.body[0].lineno
    text = re.sub(r"^(.+)\n-{3,}$", "\n", text, flags=re.M)  # a heading
    literal = r"(?<=:\n\n)(?: +\S.*\n?|\n(?= ))+"  # an indented block below a colon and an empty line
    text = re.sub(literal, lambda found: "\n" * found[0].count("\n"), text, flags=re.M)
    text = re.sub(r"^ *>>>.*?(?=^ *$|\Z)", lambda found: "\n" * (found[0].count("\n")), text, flags=re.M | re.S)
    lines = [re.sub(r"^[\w*, ]+ : .*$", "", _CODE_SPAN.sub(_VALUE, line)) for line in text.splitlines()]
    for found in _paragraphs([line.strip() for line in lines], file, DOCSTRING):
        yield Text(file, first + found.line - 1, found.words, DOCSTRING)


_TEXT = (ast.Constant, ast.JoinedStr, ast.BinOp)


def _outermost_texts(node: ast.AST) -> Iterator[ast.expr]:
    """Yield strings, f-strings and sums of them; a string in a placeholder is a text of its own."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _TEXT) and _is_text(child):
            yield child
            yield from _in_placeholders(child)
        else:
            yield from _outermost_texts(child)


def _in_placeholders(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _outermost_texts(part)
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            yield from _in_placeholders(side) if _is_text(side) else _outermost_texts(side)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right))
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _read(node: ast.expr) -> str:
    """Return a text with one word in place of each placeholder."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _read(node.left) + _read(node.right)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_read, node.values))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else _VALUE


# Templates of pages


def of_template(path: Path, root: Path) -> list[Text]:
    """Return the texts between the tags of a page's template, with one word in place of each placeholder."""
    content = path.read_text(encoding="utf-8")
    for dropped in (r"\{#.*?#\}", r"<(?:style|script)\b.*?</(?:style|script)>"):
        content = re.sub(dropped, lambda found: "\n" * found[0].count("\n"), content, flags=re.S)
    content = re.sub(r"\{\{.*?\}\}", lambda found: _VALUE + "\n" * found[0].count("\n"), content, flags=re.S)
    content = re.sub(r"\{%.*?%\}", lambda found: "\n" * found[0].count("\n"), content, flags=re.S)
    inline = r"</?(?:a|b|i|em|strong|code|span|sub|sup|abbr|var)\b[^>]*>"
    content = re.sub(inline, lambda found: "\n" * found[0].count("\n"), content)
    content = re.sub(r"<[^>]*>", lambda found: "\n" * found[0].count("\n") + "\0", content)
    found, line = [], 1
    for part in content.split("\0"):
        if part.strip():
            start = line + part[: len(part) - len(part.lstrip())].count("\n")
            found.append(Text(str(path.relative_to(root)), start, " ".join(part.split()), MESSAGE))
        line += part.count("\n")
    return found


def texts_of(path: Path, root: Path) -> list[Text]:
    """Return the texts of a document, module or template, by the ending of its name."""
    return {".md": of_markdown, ".py": of_module, ".html": of_template}[path.suffix](path, root)


def main(files: Sequence[str]) -> int:
    """Print what breaks a rule in some files, and return 1 if anything does."""
    root = Path.cwd()
    found = [violation for file in files for violation in violations(texts_of(root / file, root))]
    for violation in found:
        print(violation)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
