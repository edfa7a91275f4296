import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.times import at, iso, iso_of, ms_of, parse


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_written_is_read_back(ms: int) -> None:
    text = iso(ms)
    assert text is not None
    assert parse(text) == ms
    assert parse(str(ms)) == ms
    assert iso_of(at(ms)) == text


def test_naive_times_are_utc_and_blanks_were_pluses() -> None:
    assert parse("2026-11-21T08:03:41") == parse("2026-11-21T08:03:41+00:00") == parse("2026-11-21T08:03:41 00:00")
    assert parse("2026-11-21T16:03:41+08:00") == parse("2026-11-21T08:03:41Z")
    assert parse("2026-11-21") == parse("2026-11-21T00:00:00Z")


@given(st.text(max_size=30))
def test_whatever_is_no_time_is_a_value_error(text: str) -> None:
    try:
        assert parse(text) >= 0
    except (ValueError, OverflowError):
        return


def test_nothing_stays_nothing_and_what_is_off_the_calendar_too() -> None:
    assert (iso(None), ms_of(None), iso(-1), iso(10**15), iso_of(None)) == (None,) * 5
    assert ms_of(1_795_248_221_120_999_999) == 1_795_248_221_120
    with pytest.raises(ValueError, match="-5"):
        parse("-5")
