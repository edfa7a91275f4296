"""Bitget's recorded sessions: the argument of a frame is its family, v2 and v3 apart."""

from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.listing import Listed, Market
from services.simulator.recorded import Answer, Recorded, objects, silent

LISTINGS: Final = frozenset({"/api/v2/spot/public/symbols", "/api/v2/mix/market/contracts"})


class Arg(msgspec.Struct, rename="camel"):
    inst_type: str
    channel: str = ""
    inst_id: str = ""
    topic: str = ""
    symbol: str = ""


class Pushed(msgspec.Struct):
    """A data frame with its argument; acknowledgements have no `data`."""

    arg: Arg
    data: msgspec.Raw


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data."""
    del host  # the argument says it all
    try:
        arg = msgspec.json.decode(text, type=Pushed).arg
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    version, channel = ("v2", arg.channel) if arg.channel else ("v3", arg.topic)
    return f"{version}/{channel}:{arg.inst_type.upper()}:{arg.inst_id or arg.symbol}", text


def topic_family(topic: Topic) -> str:
    return topic.key.partition("/")[2]


def market(product: str, symbol_type: str = "perpetual") -> Market:
    if product == "SPOT":
        return "spot"
    if symbol_type == "delivery":
        return "dated"
    return "inverse" if product == "COIN-FUTURES" else "perp"


def listed(answer: Answer) -> list[Listed]:
    if answer.path not in LISTINGS:
        return []
    product = "SPOT" if "/spot/" in answer.path else dict(answer.params).get("productType", "USDT-FUTURES").upper()
    return [
        silent(
            "bitget",
            market(product, str(item.get("symbolType", "perpetual"))),
            str(item.get("symbol")),
            str(item.get("baseCoin", "")),
            str(item.get("quoteCoin", "")),
        )
        for item in objects(answer.body, "data")
    ]


def instruments(family: str) -> list[Listed]:
    _, product, native = family.split(":", 2)
    quote = {"USDC-FUTURES": "USDC", "COIN-FUTURES": "USD"}.get(product, "USDT")
    return [silent("bitget", market(product), native, native.removesuffix(quote), quote)]


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: b'"instType":"' in frame[:200].replace(b" ", b"") and b'"action":' in frame[:400],
    rest=lambda path: path.startswith(("/api/v2/spot/", "/api/v2/mix/", "/api/v3/market/")),
    empty=lambda request: b'{"code":"00000","msg":"success","requestTime":0,"data":[]}',
    loose=(frozenset({"limit"}), frozenset({"pageNo", "pageSize"})),
)
