"""Which cases of a test every run tries, and which `./scripts/test --all` tries in addition."""

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import settings

ALL = 100  # examples of a property that names no number, with `--hypothesis-profile=all`; a fifth of them without


def examples(count: int) -> int:
    """Return how many of `count` examples of a property this run tries: ten at the least."""
    return min(count, max(10, count * settings().max_examples // ALL))


def in_turn(*values: Iterable[Any]) -> list[Any]:
    """Return the product of sets of values. Each value is in a case of every run; the other cases are slow."""
    sets = [list(some) for some in values]
    chosen = {tuple(k % len(some) for some in sets) for k in range(max(map(len, sets)))}
    cases = []
    for at in product(*(range(len(some)) for some in sets)):
        case = [some[k] for some, k in zip(sets, at, strict=True)]
        cases.append(pytest.param(*case, marks=() if at in chosen else pytest.mark.slow))
    return cases


def first(chosen: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    """Return values of which every run tries the chosen ones; the others are slow."""
    quick = list(chosen)
    return [*quick, *(pytest.param(value, marks=pytest.mark.slow) for value in values if value not in quick)]
