"""Help pages: the groups of flags, and examples that the parser takes."""

import shlex

import click
import pytest

from regress.cli.examples import COMMANDS, START
from regress.cli.main import cli
from regress.cli.options import GROUPS


def page(*names):
    context, command = cli.make_context("regress", [], resilient_parsing=True), cli
    for name in names:
        command = cli.commands[name]
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    return command.get_help(context)


def parsed(line):
    """Return the command and the arguments of a line, as the parser takes them; it runs nothing."""
    program, name, *words = shlex.split(line.replace("\\\n", ""))
    assert program == "regress"
    command = cli.commands[name]
    try:
        return name, command.make_context(name, words).params
    except click.exceptions.Exit:
        return name, {"help": "--help" in words}


EXAMPLES = [(name, line) for name, shown in COMMANDS.items() for line in shown.examples]


def test_every_command_has_its_line_and_examples():
    assert set(COMMANDS) == set(cli.commands)
    overview = page()
    assert all(f"  {name} " in overview and shown.line in overview for name, shown in COMMANDS.items())
    names = [line.split()[0] for line in overview.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]
    assert names == [*COMMANDS]


@pytest.mark.parametrize(("name", "line"), EXAMPLES)
def test_the_parser_takes_an_example(name, line):
    found, given = parsed(line)
    assert found in COMMANDS
    assert any(value for value in given.values())
    assert all(f"  {part}\n" in f"{page(name)}\n" for part in line.split("\n"))


@pytest.mark.parametrize("line", START)
def test_the_parser_takes_the_first_examples(line):
    assert parsed(line)[0] in COMMANDS
    assert f"  {line}\n" in f"{page()}\n"


def test_a_wrong_flag_of_an_example_is_noticed():
    with pytest.raises(click.NoSuchOption):
        parsed("regress fit penguins.csv --targe body_mass_g")


def test_flags_are_in_groups_and_those_of_python_alone_are_not_mentioned():
    text = page("fit")
    titles = [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == [*GROUPS.values(), "Examples"]
    assert "Python" not in text
