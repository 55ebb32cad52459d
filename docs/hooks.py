"""What MkDocs needs beyond Markdown: formulas as MathML, help pages of the command line, docstrings as written."""

import inspect
import re
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

import click
import griffe
from latex2mathml.converter import convert
from markdown import Extension, Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.inlinepatterns import InlineProcessor

from regress.cli.main import cli

COMMANDS = "<!-- commands -->"  # in a page: every command and its help goes here
WIDTH = 78  # columns of a help page: what a terminal of 80 gets


TIGHT = re.compile(  # |, ‖, /, min and max
    '<mo(?: stretchy="false")?>(&#x0007C;|&#x02016;|&#x0002F;|min|max)</mo>'
)


def mathml(tex: str, display: str = "inline") -> str:
    """Return a formula as MathML; bars and slashes have no space around them and do not grow, as in TeX."""
    return TIGHT.sub(r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>', convert(tex, display=display))


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
    """Show the options that a function takes as ``**options``: they are put into its docstring when it is imported."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Take signature and docstring from the function itself."""
        if func.docstring is None or "\n**options\n" not in inspect.cleandoc(func.docstring.value):
            return
        names = func.path.removeprefix(f"{func.module.path}.").split(".")
        function = reduce(getattr, names, import_module(func.module.path))
        func.docstring.value = inspect.getdoc(function) or ""
        own = [p for p in func.parameters if p.name in inspect.signature(function).parameters]
        added = [
            griffe.Parameter(
                p.name,
                annotation=_annotation(p.annotation),
                kind=griffe.ParameterKind.keyword_only,
                default=repr(p.default),
            )
            for p in inspect.signature(function).parameters.values()
            if p.name not in func.parameters
        ]
        func.parameters = griffe.Parameters(*own, *added)


def _annotation(hint: Any) -> str:
    """Return a type as one writes it in a signature."""
    return re.sub(r"\b(typing|collections\.abc|pathlib)\.", "", inspect.formatannotation(hint))


class Together(griffe.Extension):
    """Show names that share a line of a docstring, such as `features, drop`, in one line too.

    Otherwise each of them would get the type and the default of the first.
    """

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Join parameters."""
        self._join(func)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Join attributes."""
        self._join(cls)

    def _join(self, thing: griffe.Function | griffe.Class) -> None:
        signature = {parameter.name: parameter.annotation for parameter in thing.parameters}
        for section in thing.docstring.parsed if thing.docstring else ():
            if not isinstance(section, griffe.DocstringSectionParameters | griffe.DocstringSectionAttributes):
                continue
            joined: list[Any] = []
            for item in section.value:
                if not joined or joined[-1].description != item.description:
                    joined.append(item)
                    continue
                first = joined[-1]
                if first.annotation is signature.get(first.name):
                    first.annotation = None
                first.name, first.value = f"{first.name}, {item.name}", None
            section.value = joined


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
