import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.cryexc import protocol
from services.api.cryexc.protocol import CvdConfig, CvdShape, Identity, Order, Refusal, TradeConfig, read, shape_of
from services.api.errors import ApiError
from services.api.symbols import Directory
from tests.api.market import instrument

WORDS = st.sampled_from(
    ["type", "stream", "config", "instanceId", "subscriptions", "symbol", "exchanges", "trade", "cvd"]
)
TYPES = st.sampled_from([*protocol.TYPES, "nope"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | WORDS | TYPES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=15,
)


def subscribe(stream: str, config: Any, **more: Any) -> str:
    return json.dumps({"type": "stream_subscribe", "stream": stream, "config": config, **more})


def one(**fields: Any) -> Order | Refusal:
    (item,) = read(json.dumps(fields)).items
    return item


@given(st.text(max_size=60) | st.binary(max_size=60) | JSON.map(json.dumps))
def test_no_frame_makes_it_raise_and_every_refusal_names_what_was_expected(frame: str | bytes) -> None:
    said = read(frame)
    assert said.pong or said.items or "subscriptions" in str(frame)
    for item in said.items:
        if isinstance(item, Refusal):
            found = json.loads(protocol.refused(item))
            assert found["type"] == "error"
            assert found["message"] == found["error"]
            assert {"code", "field", "value", "expected"} <= set(found)
            assert found["expected"]


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        ("{", "invalid_json", "frame"),
        ("[]", "invalid_json", "frame"),
        ('{"type": "nope"}', "unknown_type", "type"),
        ("{}", "unknown_type", "type"),
        ('"' + "x" * 65_536 + '"', "frame_too_large", "frame"),
        ('{"type": "stream_subscribe", "stream": "wat", "config": {}}', "unknown_stream", "stream"),
        ('{"type": "stream_subscribe", "stream": 5}', "unknown_stream", "stream"),
        (subscribe("trade", []), "invalid_value", "config"),
        (subscribe("trade", {}), "missing_value", "config.symbol"),
        (subscribe("trade", {"symbol": "B", "side": "x"}), "invalid_value", "config.side"),
        (subscribe("trade", {"symbol": "B", "minNotional": -1}), "invalid_value", "config.minNotional"),
        (subscribe("trade", {"symbol": "B", "exchanges": "x"}), "invalid_value", "config.exchanges"),
        (subscribe("cvd", {"interval": "7m"}), "invalid_value", "config.interval"),
        (subscribe("cvd", {"timeRange": "2h"}), "invalid_value", "config.timeRange"),
        (subscribe("cvd", {"window": "5parsec"}), "invalid_value", "config.window"),
        (subscribe("trade", {"symbol": "B"}, instanceId=5), "invalid_value", "instanceId"),
        ('{"type": "stream_subscribe_batch"}', "invalid_value", "subscriptions"),
        ('{"type": "stream_subscribe_batch", "subscriptions": [5]}', "invalid_value", "subscriptions[0]"),
    ],
)
def test_each_wrong_thing_has_a_code_and_a_field(frame: str, code: str, field: str) -> None:
    (item,) = read(frame).items
    assert isinstance(item, Refusal)
    assert (item.error.code, item.error.field) == (code, field)


def test_limits_hold_at_their_edge() -> None:
    subscription = {"stream": "trade", "config": {"symbol": "BTCUSDT"}}
    batch = {"type": "stream_subscribe_batch", "subscriptions": [subscription] * protocol.MAX_BATCH}
    assert len(read(json.dumps(batch)).items) == protocol.MAX_BATCH
    batch["subscriptions"] = [subscription] * (protocol.MAX_BATCH + 1)
    (item,) = read(json.dumps(batch)).items
    assert isinstance(item, Refusal)
    assert item.error.code == "batch_too_large"
    named = {"type": "stream_subscribe", **subscription}
    assert isinstance(one(**named, instanceId="x" * 128), Order)
    refusal = one(**named, instanceId="x" * 129)
    assert isinstance(refusal, Refusal)
    assert refusal.stream == "trade"


def test_the_config_is_echoed_as_it_came() -> None:
    config = {"symbol": "btcusdt", "exchanges": ["binancef"], "minNotional": 50000, "side": "buy", "more": [1]}
    order = one(type="stream_subscribe", stream="trade", config=config, instanceId="w2")
    assert isinstance(order, Order)
    assert json.loads(protocol.subscribed(order)) == {
        "type": "subscribed",
        "stream": "trade",
        "config": config,
        "instanceId": "w2",
    }
    assert json.loads(protocol.unsubscribed(Identity("trade"))) == {"type": "unsubscribed", "stream": "trade"}


def test_an_unsubscribe_of_anything_is_acknowledged() -> None:
    order = one(type="stream_unsubscribe", stream="wat")
    assert order == Order("unsubscribe", Identity("wat"))


def test_intervals_ranges_and_the_older_window() -> None:
    assert shape_of(CvdConfig()) == CvdShape(60, 3600, False)
    assert shape_of(CvdConfig(interval="raw", timeRange="15m")) == CvdShape(1, 900, False)
    for window, seconds in (("5min", 300), ("5T", 300), ("1h", 3600), ("30s", 30)):
        assert shape_of(CvdConfig(window=window)) == CvdShape(seconds, 3600, True)


def test_symbols_and_exchanges_are_checked_against_the_listings() -> None:
    listed = Directory({"binance": [instrument("binance")]})
    assert protocol.targets(TradeConfig("nosuch"), Directory()) == []
    assert [target.exchange for target in protocol.targets(TradeConfig("btcusdt"), listed)] == ["binancef"]
    with pytest.raises(ApiError) as caught:
        protocol.targets(TradeConfig("NOSUCH"), listed)
    assert (caught.value.field, caught.value.value) == ("config.symbol", "NOSUCH")
    with pytest.raises(ApiError) as caught:
        protocol.targets(TradeConfig("BTCUSDT", ("nyse",)), listed)
    assert (caught.value.field, caught.value.expected) == ("config.exchanges", "one of binancef")
    with pytest.raises(ApiError):
        protocol.targets(TradeConfig("BTCUSDT", ("binance",)), listed)
    early = Directory({"binance": [instrument("binance")]}, expected=["binance", "okx"])
    assert protocol.targets(TradeConfig("NOSUCH", ("okxf",)), early) == []
    with pytest.raises(ApiError):
        protocol.targets(TradeConfig("NOSUCH"), early)
    assert msgspec.json.decode(protocol.PONG) == {"type": "pong"}
