"""What MkDocs needs beyond Markdown: formulas as MathML, help pages of the command line, docstrings as written."""

import inspect
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import reduce
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from typing import Any
from xml.etree import ElementTree

import click
import griffe
from latex2mathml.converter import convert
from markdown import Extension, Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.inlinepatterns import InlineProcessor

from regress.cli.main import cli
from regress.cli.options import GROUPS as TITLES
from regress.options import ProcessOptions, TableOptions, TrainOptions

COMMANDS = "<!-- commands -->"  # in a page: every command and its help goes here
GROUPS = {
    field.name: field.metadata["group"]
    for options in (TableOptions, TrainOptions, ProcessOptions)
    for field in fields(options)
}
_FIRST = {griffe.DocstringSectionKind.text: 0, griffe.DocstringSectionKind.examples: 1}
WIDTH = 78  # columns of a help page: what a terminal of 80 gets


SPACES = {  # what the converter writes, and what TeX has there: bars and slashes without space, a thin one around ln
    r'<mo(?: stretchy="false")?>(&#x0007C;|&#x02016;|&#x0002F;|min|max)</mo>': 'stretchy="false" lspace="0" rspace="0"',
    r"<mi>(ln|log)</mi>": 'lspace="0.17em" rspace="0.17em"',
}


def mathml(tex: str, display: str = "inline") -> str:
    """Return a formula as MathML, with the spaces of TeX. Bars do not grow; browsers stretch only some."""
    made = convert(tex, display=display)
    for pattern, attributes in SPACES.items():
        made = re.sub(pattern, rf"<mo {attributes}>\1</mo>", made)
    return made


class InlineFormula(InlineProcessor):
    """`$…$` within a paragraph."""

    def handleMatch(self, m: Any, data: str) -> tuple[str, int, int]:
        """Store the formula, so that nothing else is read into it."""
        return self.md.htmlStash.store(mathml(m[1])), m.start(), m.end()


class DisplayedFormula(BlockProcessor):
    """`$$…$$` as a block of its own."""

    def test(self, parent: ElementTree.Element, block: str) -> bool:
        """Tell whether a block is a formula."""
        text = block.strip()
        return len(text) > 4 and text.startswith("$$") and text.endswith("$$")

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        """Put the formula in place of its block; on a narrow screen it scrolls by itself."""
        box = ElementTree.SubElement(parent, "div", {"class": "formula"})
        box.text = self.parser.md.htmlStash.store(mathml(blocks.pop(0).strip()[2:-2], "block"))


class Formulas(Extension):
    """LaTeX between dollars, turned into MathML when the pages are built: browsers show it without a script."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Register both forms: after code (190), which may hold dollars, before escapes (180), which TeX has too."""
        md.inlinePatterns.register(InlineFormula(r"\$(\S|\S[^$]*?\S)\$", md), "formula", 185)
        md.parser.blockprocessors.register(DisplayedFormula(md.parser), "formula", 75)  # after indented code (80)


class Options(griffe.Extension):
    """Show the options that a function takes as ``**options`` by their groups, as the help pages do."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Take the docstring from the function itself: options are put into it when it is imported."""
        if func.docstring is None or "\n**options\n" not in inspect.cleandoc(func.docstring.value):
            return
        names = func.path.removeprefix(f"{func.module.path}.").split(".")
        function = reduce(getattr, names, import_module(func.module.path))
        func.docstring.value = inspect.getdoc(function) or ""
        known = inspect.signature(function).parameters
        own = [p for p in func.parameters if p.name in known]
        added = [
            griffe.Parameter(
                p.name,
                annotation=_annotation(p.annotation),
                kind=griffe.ParameterKind.keyword_only,
                default=repr(p.default),
            )
            for p in known.values()
            if p.name not in func.parameters
        ]
        func.parameters = griffe.Parameters(*own, *added)  # whose defaults the docstring shows
        func.docstring.parsed[:] = _grouped(func.docstring.parsed, {p.name for p in added})
        func.parameters = griffe.Parameters(
            *own, griffe.Parameter("options", kind=griffe.ParameterKind.var_keyword)
        )  # dozens in a signature hide the others


def _grouped(sections: Iterable[Any], options: Container[str]) -> Iterator[Any]:
    """Yield the sections of a docstring, with one for each group of options after that of the other parameters."""
    for section in sections:
        if not isinstance(section, griffe.DocstringSectionParameters):
            yield section
            continue
        groups: dict[str | None, list[Any]] = {None: []}
        for item in section.value:
            groups.setdefault(GROUPS[item.name] if item.name in options else None, []).append(item)
        for group, items in groups.items():
            if items:
                yield griffe.DocstringSectionParameters(
                    items, title=f"Options: {TITLES[group]}" if group else section.title
                )


def _annotation(hint: Any) -> str:
    """Return a type as one writes it in a signature."""
    return re.sub(r"\b(typing|collections\.abc|pathlib)\.", "", inspect.formatannotation(hint))


class Sections(griffe.Extension):
    """Show the sections of a docstring as they are meant.

    Examples come first. Choices such as `{"min-norm", "drop"}` are shown as written, not read as Python. Names that
    share a line, such as `features, drop`, share one here too: otherwise each would get type and default of the first.
    """

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Arrange parameters."""
        self._arrange(func)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Arrange attributes and parameters."""
        self._arrange(cls)

    def _arrange(self, thing: griffe.Function | griffe.Class) -> None:
        if thing.docstring is None:
            return
        thing.docstring.parsed.sort(key=lambda section: _FIRST.get(section.kind, len(_FIRST)))
        for section in thing.docstring.parsed:
            if isinstance(section, griffe.DocstringSectionParameters | griffe.DocstringSectionAttributes):
                _as_written(section.value, thing.docstring.value)
                section.value = list(_joined(section.value, {p.name: p.annotation for p in thing.parameters}))


def _as_written(items: Iterable[Any], text: str) -> None:
    for item in items:
        if choices := re.search(rf"^ *{re.escape(item.name)} : (.*\{{.*\}}.*?)(, optional)?$", text, re.MULTILINE):
            item.annotation = choices[1]
            item.value = "None" if choices[2] else item.value


def _joined(items: Iterable[Any], signature: Mapping[str, Any]) -> Iterator[Any]:
    for _, group in groupby(items, key=attrgetter("description")):
        first, *others = group
        if others:
            if first.annotation is signature.get(first.name):
                first.annotation = None
            first.name, first.value = ", ".join([first.name, *(item.name for item in others)]), None
        yield first


def help_pages() -> Iterator[tuple[str, str]]:
    """Yield each command as one types it, and its help page."""
    context = cli.make_context("regress", [], resilient_parsing=True)
    yield "regress", _help(context)
    for name, command in sorted(cli.commands.items()):
        yield f"regress {name}", _help(command.make_context(name, [], parent=context, resilient_parsing=True))


def _help(context: click.Context) -> str:
    context.terminal_width = WIDTH
    return context.get_help()


def on_config(config: Any) -> Any:
    """Let every page, and every docstring, hold formulas."""
    config.markdown_extensions.append(Formulas())
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help pages where a page asks for them."""
    if COMMANDS not in markdown:
        return markdown
    sections = (f"## {name} {{ #{name.replace(' ', '-')} }}\n\n```text\n{text}\n```\n" for name, text in help_pages())
    return markdown.replace(COMMANDS, "\n".join(sections))
