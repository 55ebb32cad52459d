"""Reference levels of text columns, as they are asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from regress.design.terms import Design, Levels
from regress.design.variables import Variable
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.sources.base import Source
from regress.sources.find import find_column


def with_references(source: Source, design: Design, wanted: Mapping[str, str] | Sequence[str]) -> Design:
    """Return a design that has these reference levels, as soon as its levels are known.

    Parameters
    ----------
    source : Source
        The table.
    design : Design
        Levels are not known yet.
    wanted : mapping or sequence of str
        Reference levels by column, or texts such as "zone=north". The longest name of a column that fits is meant.

    Raises
    ------
    InputError, TableError
        If a column is unknown, has no reference level, or is given two.
    """
    names = (*source.by_name, *design.columns)
    pairs = list(wanted.items()) if isinstance(wanted, Mapping) else [divided(text, names) for text in wanted]
    levels = dict(pairs)
    if len(levels) < len(pairs):
        doubled = next(name for k, (name, _) in enumerate(pairs) if name in dict(pairs[:k]))
        raise InputError(f"{setting('ref')} gives two reference levels of column {doubled!r}. Give one.")
    variables = {variable.name: variable for variable in design.variables}
    for name in levels:
        _check(source, design, name, variables.get(name))
    return replace(design, variables=tuple(replace(v, wanted=levels.get(v.name, v.wanted)) for v in design.variables))


def divided(text: str, names: Iterable[str]) -> tuple[str, str]:
    """Return the column and the level of a text such as "zone=north": the longest name of a column that fits.

    Examples
    --------
    >>> divided("a=b=c", ["a", "b"]), divided("a=b=c", ["a", "a=b"])
    (('a', 'b=c'), ('a=b', 'c'))
    """
    name = max((name for name in names if text.startswith(f"{name}=")), key=len, default=text.partition("=")[0])
    return name, text[len(name) + 1 :]


def _check(source: Source, design: Design, name: str, variable: Variable | None) -> None:
    """Refuse a column that has no reference level."""
    if variable is None:
        find_column(source, name, "a column with a reference level")
        raise TableError(f"Column {name!r} is not a feature, so it has no reference level. Remove {setting('ref')}.")
    if variable.kind != "text":
        remedy = f"write C({name}) in the formula" if design.formula else f"pass {setting('categorical', [name])}"
        raise TableError(
            f"Column {name!r} does not hold text, so it has no reference level. To use it as text, {remedy}."
        )
    if variable.wanted is not None:
        raise InputError(f"The formula and {setting('ref')} both give a reference level of {name!r}. Give it once.")
    if variable.coding == "sum":
        raise InputError(f"Column {name!r} has coding='sum', so it has no reference level. Remove {setting('ref')}.")
    if not compared(design, name):
        raise InputError(
            f"Column {name!r} has a coefficient for each level, so it has no reference level. "
            f"Remove {setting('ref')}, or fit an intercept and the column alone."
        )


def compared(design: Design, name: str) -> bool:
    """Tell whether some term compares the levels of a text column with a reference level."""
    treatment = {variable.name for variable in design.texts if variable.coding == "treatment"}
    return name in treatment and any(Levels(name) in term.parts for term in design.terms)
