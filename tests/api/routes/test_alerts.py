import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest

from services.recorder import lines, store
from services.recorder.migrate import migrate, migrations
from services.recorder.store import Position, Rows
from shared import streams
from shared.bus import Redis
from shared.settings_store import RuntimeStore
from tests.alerter.parts import T0, S, alert
from tests.api.conftest import Api, Start
from tests.api.market import instrument, put_health, put_instruments

CHANNEL = {"kind": "webhook", "state": "ok", "delivered_total": 3, "last_error": None}


async def test_active_alerts_are_listed_newest_first_with_the_channels(api: Api, redis_client: Redis) -> None:
    for one in (alert("old"), alert("new", fired_at=T0 + S)):
        await redis_client.hset(streams.ALERTS_ACTIVE, one.id, msgspec.msgpack.encode(one))
    await redis_client.hset(streams.ALERTS_CHANNELS, "ops", msgspec.json.encode(CHANNEL).decode())
    await put_health(redis_client, "_alerter")
    await api.until(lambda: api.context.state.members("_alerter"))
    found = (await api.http.get("/api/alerts")).json()
    assert [one["id"] for one in found["alerts"]] == ["new", "old"]
    assert (found["count"], found["alerter"]) == (2, "live")
    one = found["alerts"][1]
    assert one["title"] == {"en": "▲ alpha: not connected", "zh": "▲ alpha：未连接"}
    assert (one["fired_at"], one["fired_at_ms"]) == ("2026-11-21T08:00:00.000+00:00", T0 // 1_000_000)
    (channel,) = found["channels"]
    assert (channel["name"], channel["state"], channel["manners"]["per_minute"]) == ("ops", "ok", 6)


async def test_nobody_watching_is_said(api: Api) -> None:
    assert (await api.http.get("/api/alerts")).json()["alerter"] == "away"


async def test_the_history_is_paged_and_filtered(start: Start, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    files = migrations()
    await migrate(connection, files)
    await store.prepare(connection)
    stored = [alert(f"a{i}", at=T0 + i * S, fired_at=T0 + i * S) for i in range(5)]
    stored.append(alert("c", "critical", rule="other", at=T0, fired_at=T0))
    rows = Rows(lines={"alerts": [lines.alert(one) for one in stored]})
    await store.commit(connection, "f", {}, {"s": Position("1-0", 1, {}, "i")}, {}, rows, files[-1].version)
    await connection.close()
    api = await start(database_url=postgres_url)

    async def ids(**query: Any) -> tuple[list[str], str | None]:
        found = (await api.http.get("/api/alerts/history", params=query)).json()
        return [one["id"] for one in found["alerts"]], found["next_cursor"]

    first, cursor = await ids(limit=4)
    assert first == ["a4", "a3", "a2", "a1"]
    assert await ids(limit=4, cursor=cursor) == (["c", "a0"], None)
    assert (await ids(severity="critical"))[0] == ["c"]
    assert (await ids(rule="exchange-away", to=T0 // 1_000_000 + 1_500))[0] == ["a1", "a0"]
    assert (await ids(**{"from": T0 // 1_000_000 + 3_000}))[0] == ["a4", "a3"]


@pytest.mark.parametrize(
    "path", ["/api/alerts/history?cursor=x", "/api/alerts/history?severity=bad", "/api/alerts/history?limit=0"]
)
async def test_a_bad_question_names_its_field(api: Api, path: str) -> None:
    answer = await api.http.get(path)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] in path


async def test_rules_are_replaced_as_a_whole_under_a_version(api: Api, redis_client: Redis) -> None:
    before = (await api.http.get("/api/alerts/rules")).json()
    assert [one["name"] for one in before["rules"]] == ["exchange-away", "exchange-health", "funding-terms"]
    rule = {"kind": "price", "name": "level", "asset": "btc", "level": 100_000}
    answer = await api.http.put("/api/alerts/rules", json={"rules": [rule], "version": before["version"]})
    assert answer.json()["rules"][0]["asset"] == "BTC"
    assert [one.name for one in (await RuntimeStore(redis_client).load()).alert_rules] == ["level"]
    late = await api.http.put("/api/alerts/rules", json={"rules": [], "version": before["version"]})
    assert late.status_code == 409
    await api.http.put("/api/alerts/rules", json={"rules": None})
    assert len((await api.http.get("/api/alerts/rules")).json()["rules"]) == 3


@pytest.mark.parametrize(
    ("rules", "field", "expected"),
    [
        ({}, "alert_rules", "a list of at most 200 rules"),
        ([7], "alert_rules[0]", "an object"),
        ([{"name": "a"}], "alert_rules[0].kind", "one of signal, funding"),
        ([{"kind": "funding", "name": "a"}], "alert_rules[0].above", "a number, more than 0"),
        ([{"kind": "funding", "name": "a", "above": 1, "for_s": -1}], "alert_rules[0].for_s", "at least 0"),
        ([{"kind": "signal", "name": "A"}], "alert_rules[0].name", "small letters"),
        ([{"kind": "signal", "name": "a", "nope": 1}], "alert_rules[0].nope", "one of these fields"),
        ([{"kind": "signal", "name": "a"}] * 2, "alert_rules[1].name", "no other rule"),
        ([{"kind": "venue", "name": "a", "venues": ["mtgox"]}], "alert_rules[0].venues", "an exchange out of"),
        (
            [{"kind": "price", "name": "a", "asset": "A", "level": 1, "venue": "x"}],
            "alert_rules[0].venue",
            "an exchange",
        ),
        (
            [{"kind": "price", "name": "a", "asset": "A", "level": 1, "assets": ["B"]}],
            "alert_rules[0].assets",
            "nothing",
        ),
        ([{"kind": "signal", "name": "a", "routes": [["okx", "x"]]}], "alert_rules[0].routes", "an exchange out of"),
    ],
)
async def test_a_bad_rule_is_refused_with_its_field_and_the_good_ones_stay(
    api: Api, rules: Any, field: str, expected: str
) -> None:
    for answer in (
        await api.http.put("/api/alerts/rules", json={"rules": rules}),
        await api.http.post("/api/config", json={"alert_rules": rules}),
    ):
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert error["field"] == field
        assert expected in error["expected"]
    assert (await api.http.get("/api/alerts/rules")).json()["version"] == 0


async def test_a_coin_that_nobody_lists_is_accepted_and_told(api: Api, redis_client: Redis) -> None:
    await put_instruments(redis_client, instrument("okx", base="WIF"))
    await api.until(lambda: not api.context.state.directory.empty)
    rule = {"kind": "signal", "name": "mine", "assets": ["WIF", "wfi"]}
    written = await api.http.put("/api/alerts/rules", json={"rules": [rule]})
    assert written.status_code == 200
    for answer in (written, await api.http.get("/api/alerts/rules"), await api.http.get("/api/config")):
        (warning,) = answer.json()["warnings"]
        assert (warning["field"], warning["value"], warning["rule"]) == ("alert_rules[0].assets", "WFI", "mine")


async def test_what_is_accepted_is_told_field_by_field(api: Api) -> None:
    found = (await api.http.get("/api/alerts/fields")).json()
    assert list(found["rules"]) == (await api.http.get("/api/alerts/rules")).json()["kinds"]
    above = found["rules"]["funding"]["above"]
    refused = await api.http.put("/api/alerts/rules", json={"rules": [{"kind": "funding", "name": "a"}]})
    assert (above["required"], above["expected"]) == (True, refused.json()["error"]["expected"])
    assert found["manners"]["per_minute"]["maximum"] == 60
    assert {"id": "okx", "display_name": "OKX"} in found["exchanges"]


@pytest.mark.parametrize(
    ("channels", "field"),
    [
        ({"Ops!": {}}, "alert_channels"),
        ({"ops": {"quiet_from": "7:00"}}, "alert_channels.ops.quiet_from"),
        ({"ops": {"quiet_from": "07:00"}}, "alert_channels.ops.quiet_to"),
        ({"ops": {"time_zone": "Mars/Olympus"}}, "alert_channels.ops.time_zone"),
        ({"ops": {"per_minute": 0}}, "alert_channels.ops.per_minute"),
        ({"ops": 3}, "alert_channels.ops"),
    ],
)
async def test_bad_manners_of_a_channel_are_refused_with_their_field(api: Api, channels: Any, field: str) -> None:
    answer = await api.http.post("/api/config", json={"alert_channels": channels})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


async def test_a_test_goes_to_the_alerter_and_back(api: Api, redis_client: Redis) -> None:
    await redis_client.hset(streams.ALERTS_CHANNELS, "ops", msgspec.json.encode(CHANNEL).decode())

    async def alerter(delivered: bool, error: str | None) -> None:
        asked = streams.demand(streams.ALERTER, "test")
        async with asyncio.timeout(10):
            while not await redis_client.zrem(asked, "ops"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        seconds, micros = await redis_client.time()
        told = {"delivered": delivered, "error": error, "took_ms": 5, "answered_ms": seconds * 1000 + micros // 1000}
        await redis_client.hset(streams.ALERTS_TESTED, "ops", msgspec.json.encode(told).decode())

    answer, _ = await asyncio.gather(api.http.post("/api/alerts/test", json={"channel": "ops"}), alerter(True, None))
    assert (answer.status_code, answer.json()["delivered"]) == (200, True)
    answer, _ = await asyncio.gather(
        api.http.post("/api/alerts/test", json={"channel": "ops"}), alerter(False, "HTTP 500")
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "not_delivered")
    assert "HTTP 500" in answer.json()["message"]
    unknown = await api.http.post("/api/alerts/test", json={"channel": "nope"})
    assert (unknown.status_code, unknown.json()["error"]["expected"]) == (404, "one of ops")
    nothing = await api.http.post("/api/alerts/test", json={})
    assert (nothing.status_code, nothing.json()["error"]["field"]) == (422, "channel")


async def test_a_test_that_nobody_takes_up_says_so(api: Api, redis_client: Redis) -> None:
    await redis_client.hset(streams.ALERTS_CHANNELS, "ops", msgspec.json.encode(CHANNEL).decode())
    answer = await api.http.post("/api/alerts/test", json={"channel": "ops"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "alerter_away")
    assert await redis_client.zcard(streams.demand(streams.ALERTER, "test")) == 0


async def test_pages_of_other_origins_neither_read_nor_write(api: Api) -> None:
    foreign = {"Origin": "http://evil.example"}
    read = await api.http.get("/api/alerts", headers=foreign)
    assert "access-control-allow-origin" not in read.headers
    assert (await api.http.post("/api/alerts/test", json={}, headers=foreign)).status_code == 403
    assert (await api.http.put("/api/alerts/rules", json={}, headers=foreign)).status_code == 403
