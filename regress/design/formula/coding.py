"""Which levels of text get a column in each term, so that no column of X follows from others.

The indicators of all levels add up to 1, which is the intercept's column; so one level, the reference, has none. In
general a product of text columns covers the products of all their subsets. What a term covers is not covered again.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

Coding: TypeAlias = tuple[tuple[str, bool], ...]
_Levels: TypeAlias = frozenset[tuple[str, bool]]  # text columns, each with all levels or without the reference


def codings(terms: Sequence[tuple[frozenset[str], tuple[str, ...]]], intercept: bool) -> list[list[Coding]]:
    """Return how the text columns of each term are coded, by patsy's rule.

    Parameters
    ----------
    terms : sequence of tuple
        The factors of each term: those that are numbers, and those that are text.
    intercept : bool
        Whether the model has one.

    Returns
    -------
    list of list of tuple
        For each term its parts, each with columns of its own. A part names text columns of the term, and whether all
        levels have a column or all but the reference. A term without text has one part without names. A term that
        earlier ones cover has no part.

    Examples
    --------
    >>> area, nothing = frozenset({"area"}), frozenset()
    >>> codings([(nothing, ("zone",)), (area, ()), (area, ("zone",))], intercept=True)
    [[(('zone', False),)], [()], [(('zone', False),)]]
    >>> codings([(nothing, ("zone", "kind"))], intercept=True)
    [[(('kind', False),), (('zone', False), ('kind', True))]]
    """
    covered: dict[frozenset[str], set[_Levels]] = {frozenset(): {frozenset()} if intercept else set()}
    coded: dict[int, list[Coding]] = {}
    for i in sorted(range(len(terms)), key=lambda i: len(terms[i][1])):
        numbers, texts = terms[i]
        parts = _merged(_uncovered(texts, covered.setdefault(numbers, set())))
        coded[i] = [tuple((text, (text, True) in part) for text in texts if _has(part, text)) for part in parts]
    return [coded[i] for i in range(len(terms))]


def _uncovered(texts: tuple[str, ...], covered: set[_Levels]) -> list[_Levels]:
    """Return the subsets of text columns that no earlier term covers, small ones first, and note them as covered."""
    subsets = [
        frozenset((text, False) for text in subset)
        for size in range(len(texts) + 1)
        for subset in combinations(texts, size)
    ]
    found = [subset for subset in subsets if subset not in covered]
    covered.update(found)
    return found


def _merged(parts: list[_Levels]) -> list[_Levels]:
    """Merge parts, from left to right, where one has a text column more: 1 and a without its reference are all of a."""
    i = 0
    while i < len(parts):
        short = parts[i]
        for j in range(i + 1, len(parts)):
            if len(parts[j]) == len(short) + 1 and parts[j] > short:
                ((text, _),) = parts[j] - short
                parts[j] = short | {(text, True)}
                del parts[i]
                i = 0
                break
        else:
            i += 1
    return parts


def _has(part: _Levels, text: str) -> bool:
    return (text, False) in part or (text, True) in part
