"""What may be written as rules and manners; the examples of docs/alerts.md are among it."""

import re
import time
from typing import Any

import msgspec
import pytest

from deploy.local.process import REPOSITORY
from services.alerter.senders.webhook import signature
from shared import alert_rules
from shared.alerts import DEFAULT_RULES, RULE_KINDS, ChannelManners
from shared.bus import Redis
from shared.config import Runtime, SettingError, consistent
from shared.settings_store import RuntimeStore, checked

DOCUMENT = (REPOSITORY / "docs" / "alerts.md").read_text(encoding="utf-8")


def test_the_rules_of_the_documentation_are_taken() -> None:
    (example,) = re.findall(r"-d '(\{\"rules\".*?\})'", DOCUMENT, re.DOTALL)
    found = alert_rules.rules(msgspec.json.decode(example)["rules"])
    assert [rule.name for rule in found] == ["exchange-away", "good-signals", "funding-gap", "btc-100k"]


def test_the_manners_of_the_documentation_are_taken() -> None:
    (example,) = re.findall(r"\{\"alert_channels\": (\{.*?\}\})\}", DOCUMENT, re.DOTALL)
    found = alert_rules.channels(msgspec.json.decode(example))
    assert found["phone"].time_zone == "Asia/Shanghai"


def test_the_documented_receiver_takes_what_is_signed_and_nothing_else() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    key, body, stamp = "k" * 20, b'{"id": "1"}', str(int(time.time()))
    headers = {"X-Parallax-Timestamp": stamp, "X-Parallax-Signature": signature(key, stamp, body)}
    assert names["ours"](key, headers, body)
    assert not names["ours"](key, headers, body + b" ")
    assert not names["ours"](key + "x", headers, body)
    old = str(int(stamp) - 1_000)
    late = {"X-Parallax-Timestamp": old, "X-Parallax-Signature": signature(key, old, body)}
    assert not names["ours"](key, late, body)


def test_every_field_of_every_kind_is_documented() -> None:
    for kind, struct in RULE_KINDS.items():
        assert f"`{kind}`" in DOCUMENT
        for field in msgspec.structs.fields(struct):
            assert f"`{field.name}`" in DOCUMENT, f"{kind}.{field.name}"
    for field in msgspec.structs.fields(ChannelManners):
        assert f"`{field.name}`" in DOCUMENT, field.name


def test_rules_survive_their_own_json() -> None:
    text = msgspec.json.encode(DEFAULT_RULES)
    assert alert_rules.rules(msgspec.json.decode(text)) == DEFAULT_RULES
    assert consistent(Runtime()).alert_rules == DEFAULT_RULES


@pytest.mark.parametrize("value", [None, True, -1, 1e400, "", "x", [], {}, [[]], [None], {"a": None}])
def test_whatever_is_given_is_taken_or_refused_with_its_field(value: Any) -> None:
    for rules in (value, [value], [{"kind": value}], [{"kind": "venue", "name": "a", "silent_s": value}]):
        if rules in ([], None):
            continue
        with pytest.raises(SettingError, match="alert_rules"):
            checked({"alert_rules": rules})
    for channels in (value, {"ops": value}, {"ops": {"time_zone": value}}):
        said = alert_rules.CHANNELS
        try:
            found = checked({"alert_channels": channels})["alert_channels"]
            consistent(Runtime(alert_channels=found or {}))
        except SettingError as error:
            said = error.field
        assert said.startswith(alert_rules.CHANNELS)


async def test_what_somebody_wrote_past_us_leaves_the_last_good_rules(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    good = await store.write({"alert_rules": [{"kind": "signal", "name": "any"}]}, 0)
    await redis_client.hset(
        "config", "alert_rules", '[{"kind": "signal", "name": "a"}, {"kind": "signal", "name": "a"}]'
    )
    assert (await store.load()).alert_rules == good.alert_rules
    assert store.refused.keys() == {"alert_rules"}
    assert (await RuntimeStore(redis_client).load()).alert_rules == good.alert_rules
    await redis_client.hset("config", "alert_channels", '{"ops": {"time_zone": "Mars/Olympus"}}')
    await redis_client.hdel("config", "alert_rules")
    assert (await store.load()).alert_channels == {}
