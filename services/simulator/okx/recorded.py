"""OKX's recorded sessions: the argument of a frame is its family."""

from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.listing import Listed, Market
from services.simulator.recorded import Answer, Recorded, objects, silent

KINDS: Final[dict[str, Market]] = {"SPOT": "spot", "SWAP": "perp", "FUTURES": "dated"}


class Arg(msgspec.Struct):
    channel: str
    instId: str = ""  # noqa: N815 - the venue's name
    instType: str = ""  # noqa: N815 - the venue's name


class Pushed(msgspec.Struct):
    """A data frame with its argument; acknowledgements have no `data`."""

    arg: Arg
    data: msgspec.Raw


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data."""
    del host  # the argument says it all
    try:
        pushed = msgspec.json.decode(text, type=Pushed)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return f"{pushed.arg.channel}:{pushed.arg.instId or pushed.arg.instType}", text


def topic_family(topic: Topic) -> str:
    return f"{topic.channel}:{topic.name}"


def listed(answer: Answer) -> list[Listed]:
    if answer.path != "/api/v5/public/instruments":
        return []
    items = objects(answer.body, "data")
    return [row(str(item.get("instId")), KINDS.get(str(item.get("instType")), "dated")) for item in items]


def instruments(family: str) -> list[Listed]:
    native = family.partition(":")[2]
    markets: tuple[Market, ...] = ("perp", "spot", "dated") if native.endswith("-SWAP") else ("spot", "perp", "dated")
    return [row(native, market) for market in markets]


def row(native: str, market: Market) -> Listed:
    base, _, rest = native.partition("-")
    return silent("okx", market, native, base, rest.partition("-")[0])


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: b'"arg":{"channel":' in frame[:200].replace(b" ", b""),
    rest=lambda path: path.startswith("/api/v5/"),
    empty=lambda request: b'{"code":"0","data":[],"msg":""}',
)
