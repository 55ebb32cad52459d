"""Parts of dates against Python's datetime, and waves against decimal arithmetic."""

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.design.formula.expressions import call, computed
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PARTS = {
    "year": lambda t: t.year,
    "quarter": lambda t: math.ceil(t.month / 3),
    "month": lambda t: t.month,
    "weekday": lambda t: t.isoweekday(),
    "yday": lambda t: t.timetuple().tm_yday,
    "hour": lambda t: t.hour,
}


def days(time):
    return float(Fraction((time - EPOCH) // timedelta(microseconds=1), 86_400_000_000))


@QUICK
@given(
    st.datetimes(datetime(1600, 1, 1), datetime(2400, 12, 31), timezones=st.just(UTC)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    )
)
def test_parts_of_a_time_agree_with_python(time):
    for name, part in PARTS.items():
        assert computed(call(name), np.array([days(time)])).tolist() == [part(time)]


@QUICK
@given(st.integers(-719_162, 2_932_896))
def test_parts_of_every_date_agree_with_python(day):
    date = EPOCH + timedelta(days=day)
    for name, part in PARTS.items():
        assert computed(call(name), np.array([float(day)])).tolist() == [part(date)]


def test_an_instant_before_a_full_hour_is_the_hour_up_to_a_microsecond():
    three = np.array([20_000.125, np.nextafter(20_000.125, 0), 20_000.125 - 2e-11])
    assert computed(call("hour"), three).tolist() == [3.0, 3.0, 2.0]


@pytest.mark.parametrize("name", PARTS)
def test_what_is_no_date_is_missing(name):
    assert np.isnan(computed(call(name), np.array([np.nan, 1e9, -np.inf]))).all()


def sine(turn):
    """Return sin(2π turn) of a fraction, by its series."""
    pi = Fraction(314159265358979323846264338327950288419716939937510, 10**50)
    x = 2 * pi * (turn - round(turn))
    terms, term = [], x
    for k in range(1, 40):
        terms.append(term)
        term = -term * x * x / (2 * k * (2 * k + 1))
    return float(sum(terms))


@pytest.mark.parametrize("period", [7, 365.25, 1 / 24])
def test_waves_of_late_dates_have_all_digits(period):
    time = np.random.default_rng(4).uniform(-1e5, 1e5, 20)
    result = computed(call("fourier", period, 3), time)
    for i, each in enumerate(time.tolist()):
        for j in (1, 2, 3):
            turn = j * Fraction(each) / Fraction(period)
            assert result[2 * j - 2, i] == pytest.approx(sine(turn), abs=4e-15)
            assert result[2 * j - 1, i] == pytest.approx(sine(turn + Fraction(1, 4)), abs=4e-15)
