"""Random small fits against rational arithmetic: no claim of digits above the truth, no wrong bit where none may be."""

import pytest

from tests.examples import first
from tests.oracles.random_fits import CHUNK, examine, table

SEED = 20_000  # of problems that `python -m tests.oracles.random_fits` does not draw by default


@pytest.mark.parametrize("start", first([0], range(0, 250, CHUNK)))
def test_claims_are_never_above_the_truth_and_nearest_means_nearest(start):
    counts = examine(SEED, range(start, start + CHUNK))
    assert sum(count.fits for count in counts.values()) == CHUNK
    assert not any(count.failed for count in counts.values()), "\n".join(table(counts))
