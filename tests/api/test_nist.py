"""NIST's certified figures are reached by default, and docs/accuracy.md shows what the script prints."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import marked
import nist

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"

# What rounding of the certified data to doubles leaves, and the fifteen digits that are certified.
COEFFICIENTS = {
    "norris": 14.0,
    "pontius": 13.4,
    "noint1": 14.5,
    "noint2": 15.0,
    "longley": 14.5,
    "wampler1": 14.9,
    "wampler2": 13.1,
    "wampler3": 14.9,
    "wampler4": 14.9,
    "wampler5": 14.9,
    "filip": 7.5,
}


@pytest.mark.parametrize("name", nist.CERTIFIED)
def test_certified_figures_are_reached_by_default(name):
    coefficients, *others = nist.of_regress(name).values()
    assert coefficients >= COEFFICIENTS[name]
    assert len(others) == 3
    assert min(others) >= (7.0 if name == "filip" else 13.0)


@pytest.mark.parametrize("name", nist.CERTIFIED)
def test_every_certified_figure_is_reached_from_the_numbers_as_written(name):
    figures = sum(map(len, nist.certified(name)))
    assert (nist.within_a_unit(name), nist.equal(name)) == (figures, figures)


def test_as_many_figures_are_certified_as_the_documentation_says():
    assert sum(len(kind) for name in nist.CERTIFIED for kind in nist.certified(name)) == 132


def test_powers_that_are_not_rounded_give_filip_fourteen_digits():
    coefficients = nist.fitted("filip", nist.formula("filip"))[0]
    assert nist.worst(coefficients, nist.CERTIFIED["filip"]["coef"]) >= 13.9


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0.232818234301152", "1e-15"),
        ("-3482258.63459582", "1e-8"),
        ("0.429796848199937E-03", "1e-18"),
        ("0.00", "0.01"),
    ],
)
def test_a_unit_is_one_in_the_last_digit(text, unit):
    assert nist.unit(text) == Fraction(unit)


def test_a_figure_two_units_off_is_seen(monkeypatch):
    known = nist.certified("noint2")
    off = Decimal(known[0][0]) + 2 * Decimal("1e-15")
    monkeypatch.setattr(nist, "certified", lambda name: [[str(off)], *known[1:]])
    assert (nist.within_a_unit("noint2"), nist.equal("noint2")) == (3, 3)


@pytest.mark.parametrize(
    ("value", "certified", "shared"),
    [
        (0.5, "0.500000000000000", 15.0),
        (1.001, "1.00000000000000", 3.0),
        (-2.0, "1.00000000000000", 0.0),
        (-1e-13, "0.000000000000000", 15.0),
        (1e-12, "0.000000000000000", 12.0),
        (7.0, "0.000000000000000", 0.0),
        (0.1, "0.10000000000000000001", 15.0),
    ],
)
def test_digits_are_counted_from_nought_to_fifteen(value, certified, shared):
    assert nist.digits(value, certified) == pytest.approx(shared, abs=1e-9)


@pytest.mark.slow
def test_the_documentation_shows_what_the_script_prints_of_regress():
    done = subprocess.run([sys.executable, SCRIPTS / "nist.py"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    shown = marked.split(marked.ACCURACY.read_text(encoding="utf-8"), "nist")[1]

    def of_regress(text):
        """Leave out the machine and the other tools, whose last digits differ among machines."""
        _, beside, alone, written = text.strip().split("\n\n")
        return [line.split("|")[1:3] for line in beside.splitlines()], alone, written

    assert of_regress(shown) == of_regress(done.stdout)
