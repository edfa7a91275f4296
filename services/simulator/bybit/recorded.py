"""Bybit's recorded sessions: a push names its topic, and its market only by its form."""

from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.listing import Listed, Market
from services.simulator.recorded import Answer, Recorded, silent

MARKETS: Final[dict[str, Market]] = {"spot": "spot", "linear": "perp"}


class Pushed(msgspec.Struct):
    """A data frame; acknowledgements have no topic."""

    topic: str
    data: msgspec.Raw


class Named(msgspec.Struct):
    symbol: str = ""
    contractType: str = "LinearPerpetual"  # noqa: N815 - the venue's name


class Result(msgspec.Struct):
    category: str = ""
    rows: list[Named] = msgspec.field(name="list", default_factory=list)


class Body(msgspec.Struct):
    result: Result


def category_of(host: str, text: bytes) -> str:
    """`spot` or `linear`: by the connection's name, else by the order of the keys, which is another one on spot."""
    named = host.partition("/")[0]
    if named in MARKETS:
        return named
    head = text[:200]
    ts, kind = head.find(b'"ts"'), head.find(b'"type"')
    return "spot" if 0 <= ts < kind else "linear"


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data."""
    try:
        pushed = msgspec.json.decode(text, type=Pushed)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return f"{category_of(host, text)}/{pushed.topic}", text


def topic_family(topic: Topic) -> str:
    return topic.key.partition("/")[2]


def listed(answer: Answer) -> list[Listed]:
    if answer.path != "/v5/market/instruments-info":
        return []
    try:
        result = msgspec.json.decode(answer.body, type=Body).result
    except (msgspec.DecodeError, msgspec.ValidationError):
        return []
    market = MARKETS.get(result.category)
    if market is None:
        return []
    return [silent("bybit", market if lasting(item) else "dated", item.symbol) for item in result.rows]


def lasting(item: Named) -> bool:
    """Whether it is no dated contract: spot pairs say nothing of contracts."""
    return item.contractType == "LinearPerpetual"


def instruments(family: str) -> list[Listed]:
    category, _, topic = family.partition("/")
    return [silent("bybit", MARKETS.get(category, "perp"), topic.rpartition(".")[2])]


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: frame.startswith((b'{"topic":"orderbook.', b'{"topic":"tickers.', b'{"topic":"publicTrade.')),
    rest=lambda path: path.startswith("/v5/market/"),
    empty=lambda request: b'{"retCode":0,"retMsg":"OK","result":{"list":[]},"retExtInfo":{},"time":0}',
)
