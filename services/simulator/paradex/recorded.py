"""Paradex's recorded sessions: a binary frame tells its template and market, which is its family.

The topic of all markets' trades has frames like those of one market; a recording of this product's own says by the
connection's name which it was.
"""

from typing import Final

from services.simulator.hub import Topic
from services.simulator.listing import Listed
from services.simulator.recorded import Answer, Recorded, objects, silent

CHANNELS: Final = {1: "trades", 2: "bbo", 3: "order_book", 4: "markets_summary", 5: "funding_data"}
#: bytes of the blocks, for what of a frame is not read here
HEADER: Final = 8
ALL: Final = "ALL"
#: the connection that carries the trades of all markets
FORCED: Final = "forced"
PATHS: Final = ("/v1/markets", "/v1/bbo/", "/v1/orderbook/", "/v1/trades", "/v1/funding/", "/v1/system/")


def family(host: str, data: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data."""
    channel = channel_of(data)
    if channel is None:
        return None
    market = market_of(channel, data)
    if market is None:
        return None
    wide = channel == "trades" and host.startswith(FORCED)
    return f"{channel}:{ALL if wide else market}", data


def channel_of(data: bytes) -> str | None:
    if len(data) < HEADER or data[3] or data[4:6] != b"\x01\x00":
        return None
    return CHANNELS.get(data[2])


def market_of(channel: str, data: bytes) -> str | None:
    """The text after the block, and after the two groups of a book."""
    at = HEADER + int.from_bytes(data[:2], "little")
    for _ in range(2 if channel == "order_book" else 0):
        length, count = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        at += 4 + length * count
    if at >= len(data) or at + 1 + data[at] > len(data):
        return None
    try:
        return data[at + 1 : at + 1 + data[at]].decode()
    except UnicodeDecodeError:
        return None


def topic_family(topic: Topic) -> str:
    return f"{topic.channel}:{ALL if topic.row is None else topic.row.native}"


def listed(answer: Answer) -> list[Listed]:
    if answer.path != "/v1/markets":
        return []
    kinds = {"PERP", "SPOT"}
    rows = [item for item in objects(answer.body, "results") if item.get("asset_kind") in kinds]
    return [row(str(item.get("symbol")), str(item.get("base_currency"))) for item in rows]


def instruments(family: str) -> list[Listed]:
    native = family.partition(":")[2]
    return [] if native == ALL else [row(native, native.partition("-")[0])]


def row(native: str, base: str) -> Listed:
    return silent("paradex", "perp" if native.endswith("-PERP") else "spot", native, base, "USD")


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: channel_of(frame) is not None,
    rest=lambda path: path.startswith(PATHS),
    empty=lambda request: b'{"results":[]}',
)
