"""Lines for COPY: every value comes back, digits and times as they went."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.copytext import NotExactError, day, exact, moment, number, text, values

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.lists(st.none() | st.text(), min_size=1))
def test_a_line_says_what_went_into_it(fields: list[str | None]) -> None:
    line = "\t".join(text(field) for field in fields)
    assert "\n" not in line
    assert values(line) == fields


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_a_moment_is_its_time_to_the_microsecond(ns: int) -> None:
    assert datetime.fromisoformat(moment(ns)) == EPOCH + timedelta(microseconds=ns // 1000)


@given(st.integers(-100_000, 100_000))
def test_a_day_is_that_of_the_calendar(days: int) -> None:
    assert day(days) == (EPOCH + timedelta(days=days)).date().isoformat()


@pytest.mark.parametrize("bad", ["", "1,5", "NaN", "-Infinity", "1e70", "0e-99", "１x"])
def test_what_is_no_price_size_or_rate_is_named(bad: str) -> None:
    with pytest.raises(NotExactError, match="is"):
        exact(bad)


def test_a_reason_quotes_no_more_of_a_value_than_a_line_of_a_log_holds() -> None:
    with pytest.raises(NotExactError) as refused:
        exact("9" * 100_000)
    assert len(str(refused.value)) < 200


async def test_postgres_reads_a_line_as_it_was_meant(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE TABLE t (a text, b text, c numeric, d timestamptz)")
    line = "\t".join(
        (text("tab\t, back\\slash,\nline"), text(None), number("00.10"), moment(1_900_000_000_123_456_789))
    )

    async def source() -> AsyncIterator[bytes]:
        yield line.encode() + b"\n"

    await connection.copy_to_table("t", source=source())
    row = await connection.fetchrow("SELECT a, b, c::text, d FROM t")
    await connection.close()
    assert row is not None
    assert tuple(row) == (
        "tab\t, back\\slash,\nline",
        None,
        "0.10",
        EPOCH + timedelta(microseconds=1_900_000_000_123_456),
    )
