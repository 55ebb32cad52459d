"""How often a fit goes from one module of the package to another: as often does whoever follows it in a debugger.

Each change is one more file to open for a reader. Bulk calls keep the number down: a module asks another once for all
numbers, columns or lines, not once for each. Python before 3.12 runs each comprehension as a call of its own, so that
later versions count fewer.
"""

import sys
from itertools import pairwise
from pathlib import Path

import regress

PACKAGE = str(Path(regress.__file__).parent)
DIABETES = Path(__file__).parents[2] / "data" / "diabetes.csv"
MOST = 470  # changes of module: 462 on Python 3.11; later versions count fewer


def summary() -> str:
    return regress.fit(DIABETES, "progression", n_jobs=2).summary()  # more threads have more sums to merge


def test_a_fit_and_its_summary_stay_in_a_module_while_they_can():
    summary()  # modules are imported, and what is made on first use is made
    files = []

    def note(frame, event, argument):
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(PACKAGE):
            files.append(file)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        summary()
    finally:
        sys.setprofile(before)
    assert len(set(files)) > 50, "the package was watched"
    assert sum(one != other for one, other in pairwise(files)) <= MOST
