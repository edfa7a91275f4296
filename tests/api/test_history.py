"""Stored history: rows as the recorder's schema has them, answers as the older monitors had them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from services.recorder.migrate import migrate, migrations
from shared import streams
from shared.bus import Redis
from tests.api.conftest import Api, Start
from tests.api.market import instrument, leg, put_board, put_health, put_instruments, row, signal

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def minute() -> datetime:
    """The one that is open: asked where it is needed, a run of all tests takes longer than a default range reaches."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture
async def database(postgres_url: str) -> Any:
    connection = await asyncpg.connect(postgres_url)
    await migrate(connection, migrations())
    yield connection
    await connection.close()


async def put_bar(database: Any, venue: str, market: str, start: datetime, mid: str | None, **fields: Any) -> None:
    await database.execute(
        f"CREATE TABLE IF NOT EXISTS bars_{start:%Y%m%d} PARTITION OF bars"
        f" FOR VALUES FROM ('{start:%Y-%m-%d}') TO ('{start + timedelta(days=1):%Y-%m-%d}')"
    )
    price = None if mid is None else Decimal(mid)
    symbol = "BTC/USDT" if market == "spot" else "BTC/USDT:USDT"
    values: dict[str, Any] = {
        "venue": venue,
        "symbol": symbol,
        "resolution": 60,
        "start": start,
        "asset": "BTC",
        "market": market,
        "mid_open": price,
        "mid_high": price,
        "mid_low": price,
        "mid_close": price,
        "quotes": 5,
        **fields,
    }
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await database.execute(f"INSERT INTO bars ({names}) VALUES ({places})", *values.values())


@pytest.fixture
async def stored(start: Start, redis_client: Redis, postgres_url: str, database: Any) -> Api:
    await put_instruments(redis_client, instrument("binance"), instrument("binance", "spot"), instrument("okx"))
    for minute in range(6):
        moment = START + timedelta(minutes=minute)
        rate = {"funding_rate": Decimal("0.00010"), "funding_interval_h": Decimal(8)}
        await put_bar(database, "binance", "perp", moment, f"{101 + minute}.50", **rate)
        if minute != 2:
            await put_bar(database, "binance", "spot", moment, "100.00")
    await put_bar(database, "okx", "perp", START, "102.10")
    await put_bar(database, "okx", "perp", START + timedelta(minutes=1), None)
    api = await start(database_url=postgres_url)
    await api.until(lambda: not api.context.state.directory.empty)
    return api


RANGE = "from=2026-11-20T10:00:00&to=2026-11-20T10:06:00"


async def test_history_comes_by_exchange_with_premium_and_the_stored_digits(stored: Api) -> None:
    answer = await stored.http.get(f"/api/history/btc?{RANGE}")
    assert answer.status_code == 200
    assert b'"futures_price":101.50' in answer.content
    found = json.loads(answer.content, parse_float=Decimal)
    rows = found["data"]["binance"]
    assert (found["symbol"], found["count"], found["resolution"]) == ("BTC", 8, 60)
    assert [row["timestamp"] for row in rows][:2] == ["2026-11-20T10:00:00.000+00:00", "2026-11-20T10:01:00.000+00:00"]
    assert (rows[0]["premium_percent"], rows[0]["funding_rate"]) == (Decimal("1.5"), Decimal("0.00010"))
    assert (rows[2]["spot_price"], rows[2]["premium_percent"]) == (None, None)
    assert [row["futures_price"] for row in found["data"]["okx"]] == [Decimal("102.10"), None]
    last = (await stored.http.get("/api/history/btc?to=2026-11-20T10:06:00&hours=0.05&exchange=binance")).json()
    assert [row["timestamp"][11:16] for row in last["data"]["binance"]] == ["10:03", "10:04", "10:05"]


@pytest.mark.parametrize("spelling", ["BTC/USDT", "BTC%2FUSDT", "btc%2fusdt", "BTC/USDT:USDT", "BTCUSDT"])
async def test_pairs_are_found_as_they_are_spelled(stored: Api, spelling: str) -> None:
    for path in (f"/api/history/{spelling}?{RANGE}", f"/api/history/{spelling}/database?hours=1"):
        assert (await stored.http.get(path)).json()["symbol"] == "BTC"
    assert (await stored.http.get(f"/api/chart/{spelling}?hours=1")).json()["symbol"] == "BTC"
    assert (await stored.http.get(f"/api/latest/{spelling}")).json()["symbol"] == "BTC"
    refused = (await stored.http.get("/api/history/NOSUCH/USDT")).json()["error"]
    assert (refused["code"], refused["value"]) == ("unknown_symbol", "NOSUCH/USDT")


async def live(api: Api, client: Redis, **fields: Any) -> None:
    """A board that is kept up, with BTC on binance (spot and perpetual) and okx."""
    await put_health(client, "_scanner")
    legs = (leg("binance"), leg("binance", "spot", bid="43250.00", ask="43250.10"), leg("okx", state="stale"))
    await put_board(client, row(legs=legs, **fields))
    await api.until(lambda: api.context.state.feed == "live")


async def test_the_newest_point_is_the_step_that_is_open_before_any_is_stored(
    start: Start, redis_client: Redis, postgres_url: str
) -> None:
    await put_instruments(redis_client, instrument("binance"))
    api = await start(database_url=postgres_url)
    await api.until(lambda: not api.context.state.directory.empty)
    await live(api, redis_client)
    began = datetime.now(UTC).replace(second=0, microsecond=0)
    found = json.loads((await api.http.get("/api/history/BTC?limit=1")).content, parse_float=Decimal)
    ((venue, (point,)),) = found["data"].items()
    assert (venue, point["live"], point["quotes"]) == ("binance", True, 0)
    assert (point["futures_price"], point["spot_price"]) == (Decimal("43250.15"), Decimal("43250.05"))
    assert (point["futures_bid"], point["futures_open"]) == (Decimal("43250.10"), None)
    assert began <= datetime.fromisoformat(point["timestamp"]) <= datetime.now(UTC)
    assert (await api.http.get("/api/history/BTC?limit=1&format=csv")).text.splitlines()[1].endswith(",true")
    assert (await api.http.get("/api/history/BTC/database")).json()["count"] == 1
    prices = (await api.http.get("/api/chart/BTC?hours=1")).json()["chart_data"]["binance"]["futures_prices"]
    assert prices == [None, None, None, 43250.15]
    assert (await api.http.get("/api/history/BTC?to=2026-11-20T10:06:00")).json()["data"] == {}


async def test_an_open_step_goes_on_from_what_is_stored_of_it(stored: Api, database: Any, redis_client: Redis) -> None:
    day = datetime(2026, 11, 22, tzinfo=UTC)
    stored.context.state.mode = "replay"  # it lives in the board's own time: no midnight comes in between
    stored_prices = {"mid_high": Decimal(50_000), "mid_low": Decimal(43_251), "quotes": 7}
    await put_bar(database, "binance", "perp", day, "43300.00", **stored_prices)
    await live(stored, redis_client, at=int((day + timedelta(hours=5)).timestamp()) * 1_000_000_000)
    (point,) = (await stored.http.get("/api/history/BTC?interval=1d&limit=1&exchange=binance")).json()["data"][
        "binance"
    ]
    assert (point["futures_open"], point["futures_price"]) == (43300.0, 43250.15)
    assert (point["futures_high"], point["futures_low"], point["quotes"]) == (50000, 43250.15, 7)


async def test_the_newest_stored_point_is_found_where_none_is_live(stored: Api, database: Any) -> None:
    await put_bar(database, "okx", "perp", minute() - timedelta(minutes=3), "5.5")
    found = (await stored.http.get("/api/history/BTC?limit=1")).json()
    assert {venue: [row["futures_price"] for row in rows] for venue, rows in found["data"].items()} == {"okx": [5.5]}


async def test_a_closed_range_may_be_kept_and_an_open_one_not(stored: Api) -> None:
    answer = await stored.http.get(f"/api/history/BTC?{RANGE}")
    assert "max-age" in answer.headers["cache-control"]
    again = await stored.http.get(f"/api/history/BTC?{RANGE}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    live = await stored.http.get("/api/history/BTC?from=2026-11-20")
    assert (live.headers["cache-control"], "etag" in live.headers) == ("no-store", False)


async def test_bars_are_put_together_exchanges_chosen_and_points_limited(stored: Api) -> None:
    found = (await stored.http.get(f"/api/history/BTC?{RANGE}&interval=5m&exchange=binance")).json()
    (first, second) = found["data"]["binance"]
    assert list(found["data"]) == ["binance"]
    assert (first["futures_open"], first["futures_price"], first["futures_high"]) == (101.5, 105.5, 105.5)
    assert (second["futures_price"], first["quotes"], second["quotes"]) == (106.5, 45, 10)
    found = (await stored.http.get(f"/api/history/BTC?{RANGE}&limit=2")).json()
    assert [row["futures_price"] for row in found["data"]["binance"]] == [105.5, 106.5]


async def test_csv_is_one_table_with_empty_cells_for_what_is_missing(stored: Api) -> None:
    answer = await stored.http.get(f"/api/history/BTC?{RANGE}&format=csv")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/csv")
    assert lines[0].startswith("exchange,timestamp,spot_price,futures_price,funding_rate")
    assert lines[1].startswith("binance,2026-11-20T10:00:00.000+00:00,100.00,101.50,0.00010,8,1.500000")
    assert lines[3].startswith("binance,2026-11-20T10:02:00.000+00:00,,103.50,")
    assert len(lines) == 9


async def test_the_older_database_form_is_flat(stored: Api, database: Any) -> None:
    await put_bar(database, "okx", "perp", minute() - timedelta(minutes=10), "5.5")
    found = (await stored.http.get("/api/history/BTC/database?hours=1&exchange=okx")).json()
    assert (found["symbol"], found["exchange"], found["hours"], found["count"]) == ("BTC", "okx", 1, 1)
    assert (found["data"][0]["exchange"], found["data"][0]["futures_price"]) == ("okx", 5.5)


async def test_a_chart_has_a_label_for_every_step_and_null_where_nothing_is(stored: Api, database: Any) -> None:
    now = minute()
    bar = now.replace(minute=now.minute // 15 * 15) - timedelta(minutes=30)
    await put_bar(database, "okx", "perp", bar + timedelta(minutes=3), "5.50", funding_rate=Decimal("0.0002"))
    found = (await stored.http.get("/api/chart/BTC?hours=2&interval=15min")).json()
    columns = found["chart_data"]["okx"]
    assert len(columns["labels"]) == 8
    assert [price for price in columns["futures_prices"] if price is not None] == [5.5]
    assert columns["labels"][columns["futures_prices"].index(5.5)] == bar.isoformat(timespec="milliseconds")
    assert {len(column) for column in columns.values()} == {8}
    assert columns["spot_prices"] == [None] * 8
    refused = (await stored.http.get("/api/chart/BTC?hours=8000&interval=1m")).json()
    assert refused["error"]["code"] == "too_many_points"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-11-20&to=2026-11-19", "from"),
        ("interval=7m", "interval"),
        ("exchange=nyse", "exchange"),
        ("limit=0", "limit"),
        ("format=xml", "format"),
        ("hours=0", "hours"),
        ("hours=1&from=2026-11-20", "hours"),
    ],
)
async def test_wrong_ranges_intervals_and_exchanges_name_their_field(stored: Api, query: str, field: str) -> None:
    answer = await stored.http.get(f"/api/history/BTC?{query}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["field"] == field


async def test_older_signals_are_read_from_the_database_page_by_page(stored: Api, database: Any) -> None:
    for number in range(5):
        opened = START + timedelta(minutes=number)
        record = signal(f"s{number}", 3, "close", opened_at=int(opened.timestamp()) * 10**9)
        await database.execute(
            "INSERT INTO signals (id, rev, asset, kind, key, state, buy_venue, sell_venue, opened_at, record)"
            " VALUES ($1, 3, 'WIF', 'perp-perp', 'k', 'closed', 'binance', 'okx', $2, $3)",
            record.id,
            opened,
            msgspec.json.encode(record).decode(),
        )
    stored.context.state.signals.put([signal("live")])
    found = (await stored.http.get("/api/arbitrage/signals")).json()
    assert [one["id"] for one in found["signals"]] == ["live"]
    assert "price_long_text" not in found["signals"][0]
    for asked, expected in (("exchanges=okx,binance", ["live"]), ("exchange=okx", [])):
        found = (await stored.http.get(f"/api/arbitrage/signals?text=1&{asked}")).json()
        assert [one["id"] for one in found["signals"]] == expected
        assert [one["price_long_text"] for one in found["signals"]] == ["2.1450"] * len(expected)
    seen, cursor = [], "2026-12-01~"
    while cursor:
        found = (await stored.http.get("/api/arbitrage/signals", params={"cursor": cursor, "limit": 2})).json()
        seen += [one["id"] for one in found["signals"]]
        cursor = found["next_cursor"]
    assert seen == ["s4", "s3", "s2", "s1", "s0"]
    detail = (await stored.http.get("/api/arbitrage/signals/s2?text=1")).json()
    assert (detail["buy"]["exchange"], detail["sell"]["size_text"]) == ("binance", "10")
    assert (await stored.http.get("/api/arbitrage/signals/nope")).status_code == 404


async def test_a_database_that_is_away_is_503_and_live_goes_on(start: Start, redis_client: Redis) -> None:
    await put_instruments(redis_client, instrument("binance"))
    api = await start(database_url="postgresql://nobody@127.0.0.1:1/none")
    await api.until(lambda: not api.context.state.directory.empty)
    for path in ("/api/history/BTC", "/api/chart/BTC", "/api/database/stats", "/api/arbitrage/signals?cursor=1~"):
        answer = await api.http.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert answer.json()["error"]["code"] == "database_away"
    assert (await api.http.get("/api/data?symbol=BTC")).status_code == 200
    assert (await api.http.get("/api/system/status")).json()["postgres"]["connected"] is False


async def test_an_empty_database_is_an_empty_history(start: Start, redis_client: Redis, postgres_url: str) -> None:
    await put_instruments(redis_client, instrument("binance"))
    api = await start(database_url=postgres_url)
    await api.until(lambda: not api.context.state.directory.empty)
    assert (await api.http.get("/api/history/BTC")).json()["data"] == {}
    assert (await api.http.get("/api/chart/BTC")).json()["chart_data"] == {}
    assert (await api.http.get("/api/database/stats")).json()["stats"]["database_size_mb"] is None
    assert (await api.http.get("/api/system/status")).json()["postgres"]["connected"] is True


async def test_statistics_of_the_store(stored: Api, database: Any) -> None:
    await database.execute("ANALYZE")
    await database.execute("INSERT INTO written SELECT 'f', 'bars', 13, min(start), max(start) FROM bars")
    stats = (await stored.http.get("/api/database/stats")).json()["stats"]
    assert stats["tables"]["bars"]["rows"] == 13
    assert stats["tables"]["bars"]["oldest"] == "2026-11-20T10:00:00.000+00:00"
    assert (stats["gaps"], stats["rejected"], stats["last_maintenance"]) == (0, 0, None)
    assert stats["aggregated_records"] == 13
    assert stats["aggregated_data_range"][0] == "2026-11-20T10:00:00.000+00:00"
    assert stats["database_size_mb"] > 1


async def test_maintenance_is_asked_of_the_recorder(stored: Api, redis_client: Redis) -> None:
    answer = await stored.http.post("/api/database/maintenance", json={})
    assert answer.json()["status"] == "success"
    assert await redis_client.ttl(streams.MAINTENANCE) > 0


async def test_a_replay_looks_back_from_its_recordings_own_time(
    start: Start, redis_client: Redis, postgres_url: str, database: Any
) -> None:
    await put_instruments(redis_client, instrument("binance"))
    await put_bar(database, "binance", "perp", START, "101.50")
    at = int((START + timedelta(minutes=3)).timestamp()) * 1_000_000_000
    await put_board(redis_client, row(at=at))
    api = await start(database_url=postgres_url, mode="replay")
    await api.until(lambda: not api.context.state.directory.empty and api.context.state.board.rows)
    for path in ("/api/history/BTC", "/api/history/BTC/database?hours=1"):
        assert (await api.http.get(path)).json()["count"] == 1
    charted = (await api.http.get("/api/chart/BTC?hours=1&interval=1min")).json()
    assert [price for price in charted["chart_data"]["binance"]["futures_prices"] if price] == [101.5]
    assert charted["timestamp"] == "2026-11-20T10:03:00.000+00:00"
