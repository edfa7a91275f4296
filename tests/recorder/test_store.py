"""The commit: everything together or nothing, and what Postgres refuses stands aside with its reason."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest

from services.recorder import days, lines, store
from services.recorder.bars import Bar
from services.recorder.migrate import Migration, SchemaError, migrate, migrations
from services.recorder.store import Gap, Position, Rejected, Rows
from services.recorder.tables import TABLES
from services.recorder.volumes import Volume
from shared.events import Settlement, Trade

FILES = migrations()
SCHEMA = FILES[-1].version
T0 = 1_900_000_020_000_000_000
SLOT = T0 // 60_000_000_000


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    await migrate(opened, FILES)
    await store.prepare(opened)
    yield opened
    await opened.close()


def position(number: int) -> dict[str, Position]:
    return {"s": Position(f"{number}-0", number, {}, "i")}


async def commit(connection: asyncpg.Connection, rows: Rows, number: int = 1) -> store.Stored:
    before = position(number - 1) if number > 1 else {}
    return await store.commit(connection, "f", before, position(number), {"f": b"x"}, rows, SCHEMA)


def trade(number: int, price: str = "1.50", trade_id: str | None = None) -> str:
    return lines.trade("alpha", Trade("A/USDT", price, "2", "buy", trade_id or str(number), T0, T0 + number * 1000))


async def test_rows_and_position_commit_together_or_not_at_all(connection: asyncpg.Connection) -> None:
    await store.commit(connection, "f", {}, position(1), {"f": b"one"}, Rows(), SCHEMA)
    rows = Rows(lines={"bars": [lines.bar("alpha", "A/USDT", 60_000, Bar(SLOT))]})
    with pytest.raises(store.Fenced):
        await store.commit(connection, "f", position(9), position(10), {"f": b"two"}, rows, SCHEMA)
    assert await connection.fetchval("SELECT count(*) FROM bars") == 0
    assert await store.load(connection, ["f"], ["s"]) == ({"f": b"one"}, position(1))


async def test_digits_arrive_as_the_exchange_wrote_them(connection: asyncpg.Connection) -> None:
    await commit(connection, Rows(lines={"trades": [trade(1, "0.00000001230"), trade(2, "123456789012345678901.5")]}))
    rows = await connection.fetch("SELECT price, recv, ts FROM trades ORDER BY recv")
    assert [str(row["price"]) for row in rows] == ["1.230E-8", "123456789012345678901.5"]
    assert rows[0]["ts"] == datetime.fromtimestamp(T0 // 1_000_000_000, UTC)


async def test_quotes_and_prints_fill_their_own_columns_of_a_bar_whoever_comes_first(
    connection: asyncpg.Connection,
) -> None:
    bar = Bar(SLOT, open=Decimal(3), high=Decimal(3), low=Decimal(3), close=Decimal(3), mark="2", index="1.6", quotes=1)
    traded = Volume(SLOT, Decimal("1.5"), Decimal("3"), Decimal("0.5"), 2)
    quoted = {"bars": [lines.bar("alpha", "A/USDT:USDT", 60_000, bar)]}
    printed = {"bars:traded": [lines.volume("alpha", "A/USDT:USDT", 60_000, traded)]}
    for number, made in enumerate((quoted, printed, quoted), 1):
        await commit(connection, Rows(lines=made), number)
        if number == 1:
            await connection.execute("UPDATE bars SET quotes = 0")
    row = await connection.fetchrow("SELECT * FROM history.bars_1m")
    assert row is not None
    assert (row["mid_close"], row["premium"], row["volume"], row["trades"]) == (
        Decimal("1.5"),
        Decimal("0.25"),
        Decimal("1.5"),
        2,
    )
    assert row["quotes"] == 1


async def test_a_refused_row_stands_aside_with_its_reason_and_the_others_are_stored(
    connection: asyncpg.Connection,
) -> None:
    given = [trade(number) for number in range(7)]
    given[3] = trade(3, trade_id="with\x00nul")
    given[5] = trade(5).replace("1.50", "1.5o")
    done = await commit(connection, Rows(lines={"trades": given}))
    assert len(done.refused) == 2
    assert await connection.fetchval("SELECT count(*) FROM trades") == 5
    rows = await connection.fetch("SELECT * FROM rejected ORDER BY id")
    assert [row["target"] for row in rows] == ["trades", "trades"]
    assert json.loads(rows[1]["payload"])["price"] == "1.5o"
    assert "numeric" in rows[1]["reason"]
    assert await connection.fetchval("SELECT last_id FROM stream_position") == "1-0"


async def test_what_the_folds_refuse_is_kept_beside(connection: asyncpg.Connection) -> None:
    await commit(connection, Rows(rejected=[Rejected("event", "{\x00}", "no number")]))
    row = await connection.fetchrow("SELECT * FROM history.rejected")
    assert row is not None
    assert (row["feed"], row["payload"], row["reason"]) == ("f", "{\\u0000}", "no number")


async def test_a_database_that_was_migrated_meanwhile_takes_nothing(connection: asyncpg.Connection) -> None:
    await migrate(connection, [*FILES, Migration(SCHEMA + 1, "9999_next.sql", "SELECT 1")])
    with pytest.raises(SchemaError, match=f"migrated to {SCHEMA + 1:04d} while this program"):
        await commit(connection, Rows(lines={"trades": [trade(1)]}))
    assert await connection.fetchval("SELECT count(*) FROM stream_position") == 0


async def test_of_lines_with_one_key_the_last_counts_and_settlements_stay_as_they_were(
    connection: asyncpg.Connection,
) -> None:
    first, second = (Bar(SLOT, quotes=count) for count in (1, 2))
    paid = [lines.settlement("alpha", Settlement("A/USDT:USDT", rate, "8", T0, None, T0)) for rate in ("0.1", "0.2")]
    bars = [lines.bar("alpha", "A/USDT", 60_000, bar) for bar in (first, second)]
    await commit(connection, Rows(lines={"bars": bars, "settlements": paid[:1]}))
    await commit(connection, Rows(lines={"settlements": paid}), 2)
    assert await connection.fetchval("SELECT quotes FROM bars") == 2
    assert await connection.fetchval("SELECT rate FROM settlements") == Decimal("0.1")


async def test_the_store_tells_rows_days_and_reach_of_each_table(connection: asyncpg.Connection) -> None:
    await commit(connection, Rows(lines={"trades": [trade(number) for number in range(100)]}))
    await connection.execute("ANALYZE trades")
    rows = {row["table_name"]: row for row in await connection.fetch("SELECT * FROM history.storage")}
    assert {table.name for table in TABLES.values()} <= set(rows)
    told = rows["trades"]
    assert (told["rows"], told["days"]) == (100, 1)
    assert told["bytes"] > 0
    assert (told["newest"] - told["oldest"]).total_seconds() == pytest.approx(99e-6)


async def test_a_table_without_rows_is_neither_old_nor_new_and_small_ones_tell_what_they_hold(
    connection: asyncpg.Connection,
) -> None:
    await commit(connection, Rows(gaps=[Gap("s", "1-0", None, None, None, "missing")], lines={"trades": [trade(1)]}))
    await days.drop(connection, ("trades",), datetime.fromtimestamp(T0 / 1e9, UTC).date())
    await days.ensure(connection, {("trades", date(2031, 1, 1)), ("liquidations", date(2031, 1, 1))})
    found = await connection.fetch("SELECT table_name, oldest, newest FROM history.storage")
    reach = {row["table_name"]: (row["oldest"], row["newest"]) for row in found}
    at = await connection.fetchval("SELECT at FROM gaps")
    assert (reach["gaps"], reach["rejected"]) == ((at, at), (None, None))
    assert (reach["trades"], reach["liquidations"]) == ((None, None), (None, None))
