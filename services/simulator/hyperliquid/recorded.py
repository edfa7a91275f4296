"""Hyperliquid's recorded sessions: a push names its channel, and its data the coin."""

from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.listing import Listed, Market
from services.simulator.recorded import Answer, Recorded, silent

#: channel -> the subscription that brings it
COINS: Final = {
    "bbo": "bbo",
    "l2Book": "l2Book",
    "l2Book20": "l2Book",
    "trades": "trades",
    "activeAssetCtx": "activeAssetCtx",
    "activeSpotAssetCtx": "activeAssetCtx",
}
ALL: Final = frozenset({"allDexsAssetCtxs", "fastAssetCtxs", "allMids"})
METAS: Final = frozenset({"meta", "allPerpMetas", "spotMeta"})


class Push(msgspec.Struct):
    channel: str
    data: msgspec.Raw


class Coin(msgspec.Struct):
    coin: str


class Name(msgspec.Struct):
    name: str


class Meta(msgspec.Struct):
    universe: list[Name]


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data."""
    del host  # one address serves all
    try:
        push = msgspec.json.decode(text, type=Push)
        if push.channel in ALL:
            return push.channel, text
        kind = COINS.get(push.channel)
        if kind is None:
            return None
        if kind == "trades":
            rows = msgspec.json.decode(push.data, type=list[Coin])
            return (f"{kind}:{rows[0].coin}", text) if rows else None
        return f"{kind}:{msgspec.json.decode(push.data, type=Coin).coin}", text
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def topic_family(topic: Topic) -> str:
    kind = COINS.get(topic.channel)
    return topic.channel if kind is None else f"{kind}:{topic.name}"


def listed(answer: Answer) -> list[Listed]:
    asked = dict(answer.params).get("type", "")
    if asked not in METAS:
        return []
    try:
        metas = msgspec.json.decode(answer.body, type=list[Meta] | Meta)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    names = [row.name for meta in (metas if isinstance(metas, list) else [metas]) for row in meta.universe]
    return [silent("hyperliquid", "spot" if asked == "spotMeta" else "perp", name) for name in names]


def instruments(family: str) -> list[Listed]:
    coin = family.partition(":")[2]
    market: Market = "spot" if coin.startswith("@") or "/" in coin else "perp"
    return [silent("hyperliquid", market, coin)]


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: frame.startswith(tuple(b'{"channel":"%b"' % name.encode() for name in (*COINS, *ALL))),
    rest=lambda path: path == "/info",
    empty=lambda request: b"[]",
    loose=(frozenset({"startTime", "endTime"}),),
)
