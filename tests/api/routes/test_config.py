import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import streams
from shared.bus import Redis
from shared.settings_store import RuntimeStore
from tests.api.conftest import Api
from tests.api.market import instrument, put_instruments

VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
FIELDS = st.sampled_from(
    ["enter_bps", "samples", "symbol", "fees", "exclusions", "watch", "threshold", "version", "nope"]
)


async def test_settings_are_read_with_what_they_accept(api: Api) -> None:
    found = (await api.http.get("/api/config")).json()
    assert (found["version"], found["threshold"], found["symbol"]) == (0, 0.6, "BTC")
    samples = found["settings"]["samples"]
    assert (samples["value"], samples["default"], samples["type"]) == (3, 3, "integer")
    assert (samples["minimum"], samples["maximum"]) == (1, 100)
    assert found["settings"]["enter_bps"]["exclusive_minimum"] == 0
    assert all(setting["expected"] for setting in found["settings"].values())


async def test_a_change_is_followed_and_a_stale_version_is_a_conflict(api: Api, redis_client: Redis) -> None:
    answer = await api.http.post("/api/config", json={"enter_bps": 55.5, "version": 0})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    refused = await api.http.post("/api/config", json={"enter_bps": 44, "version": 0})
    assert (refused.status_code, refused.json()["error"]["field"]) == (409, "version")
    assert (await RuntimeStore(redis_client).load()).enter_bps == 55.5
    await RuntimeStore(redis_client).write({"enter_bps": 33.0}, 1)
    await api.until(lambda: api.context.state.runtime.enter_bps == 33.0)
    back = await api.http.post("/api/config", json={"enter_bps": None})
    assert back.json()["settings"]["enter_bps"]["value"] == 60


async def test_what_is_refused_is_told_beside_what_is_in_force(api: Api, redis_client: Redis) -> None:
    assert (await api.http.get("/api/config")).json()["refused"] == []
    await api.http.post("/api/config", json={"enter_bps": 55.5})
    await redis_client.hset(streams.CONFIG, mapping={"enter_bps": "-4", "samples": "many"})
    for _ in range(2):  # as in a process that starts now
        found = (await api.http.get("/api/config")).json()
        assert found["settings"]["enter_bps"]["value"] == api.context.state.runtime.enter_bps == 55.5
        assert [(one["field"], one["value"]) for one in found["refused"]] == [("enter_bps", "-4"), ("samples", "many")]
        assert found["refused"][0]["message"].startswith("enter_bps '-4': expected a number, more than 0")
        api.context.settings_store = RuntimeStore(redis_client)
    mended = (await api.http.post("/api/config", json={"enter_bps": 50, "samples": None})).json()
    assert (mended["settings"]["enter_bps"]["value"], mended["refused"]) == (50, [])


async def test_the_older_flat_form_is_in_percent(api: Api, redis_client: Redis) -> None:
    await put_instruments(redis_client, instrument("binance", base="WIF"))
    await api.until(lambda: not api.context.state.directory.empty)
    answer = await api.http.post("/api/config", json={"symbol": "WIF/USDT", "threshold": 0.55})
    found = answer.json()
    assert (found["symbol"], found["threshold"], found["settings"]["enter_bps"]["value"]) == ("WIF", 0.55, 55)


async def test_writers_at_once_all_get_through(api: Api) -> None:
    writes = [api.http.post("/api/config", json={"samples": number}) for number in range(1, 4)]
    assert {answer.status_code for answer in await asyncio.gather(*writes)} == {200}
    assert (await api.http.get("/api/config")).json()["version"] == 3


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(FIELDS, VALUES, max_size=3))
async def test_whatever_is_written_is_taken_whole_or_refused_with_its_field(api: Api, body: dict[str, object]) -> None:
    before = (await api.http.get("/api/config")).json()["version"]
    answer = await api.http.post("/api/config", json=body)
    assert answer.status_code in (200, 400, 404, 409, 422), (body, answer.text)
    after = (await api.http.get("/api/config")).json()["version"]
    assert after == before + (answer.status_code == 200)
    if answer.status_code != 200:
        assert answer.json()["error"]["field"] in {*body, "body"}


async def test_what_settings_name_must_exist_and_agree_with_what_stands(api: Api) -> None:
    refused = [
        ({"fees": {"binanse": {"perp": 3}}}, "fees", "an exchange out of: "),
        ({"borrow_rates": [{"venue": "mars", "apr_percent": 3}]}, "borrow_rates", "an exchange out of: "),
        ({"transfers": [{"to": "mars", "bps": 3}]}, "transfers", "an exchange out of: "),
        ({"exclusions": [{"venue": "okx", "against": "mars", "reason": "r"}]}, "exclusions", "an exchange out of: "),
        (
            {"exclusions": [{"venue": "okx", "agianst": "binance", "reason": "r"}]},
            "exclusions",
            "a list of {asset, venue",
        ),
        ({"exclusions": [{"reason": "r"}]}, "exclusions", "an asset, a venue, or both"),
        ({"enter_bps": 600}, "enter_bps", "at most max_edge_bps, which is 500"),
        ({"threshold": 6}, "threshold", "in basis points at most max_edge_bps, which is 500"),
        ({"max_edge_bps": 50}, "max_edge_bps", "at least enter_bps, which is 60"),
    ]
    for body, field, expected in refused:
        answer = await api.http.post("/api/config", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["field"]) == (422, field)
        assert expected in error["expected"]
    assert (await api.http.get("/api/config")).json()["version"] == 0
    taken = [{"asset": "pepe", "venue": "OKX", "against": "binance", "reason": "r", "until_ms": 1}]
    answer = await api.http.post("/api/config", json={"exclusions": taken, "fees": {"Binance": {"spot": 1}}})
    written = answer.json()["settings"]
    assert written["exclusions"]["value"] == [{**taken[0], "asset": "PEPE", "venue": "okx"}]
    assert written["fees"]["value"] == {"binance": {"spot": 1.0, "perp": None}}
