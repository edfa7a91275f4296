"""Lighter's recorded sessions: a frame names its channel, `ticker:1`, and that is its family."""

from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.lighter.listing import FIRST_SPOT
from services.simulator.listing import Listed, Market
from services.simulator.recorded import Answer, Recorded, objects, silent

CHANNELS: Final = frozenset({"ticker", "order_book", "trade", "market_stats", "spot_market_stats"})
LISTINGS: Final = frozenset({"/api/v1/orderBookDetails", "/api/v1/orderBooks"})
LISTS: Final = ("order_book_details", "spot_order_book_details", "order_books")


class Push(msgspec.Struct):
    channel: str
    type: str


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The channel of a frame with data; None for answers."""
    del host  # one address serves all
    try:
        push = msgspec.json.decode(text, type=Push)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if push.channel.partition(":")[0] not in CHANNELS or not push.type.startswith(("update/", "subscribed/")):
        return None
    return push.channel, text


def topic_family(topic: Topic) -> str:
    return f"{topic.channel}:{topic.name}"


def listed(answer: Answer) -> list[Listed]:
    if answer.path not in LISTINGS:
        return []
    rows = [row for name in LISTS for row in objects(answer.body, name)]
    found = [(row.get("market_id"), str(row.get("symbol", ""))) for row in rows]
    return [made(number, name) for number, name in found if isinstance(number, int)]


def instruments(family: str) -> list[Listed]:
    name = family.partition(":")[2]
    return [made(int(name), name)] if name.isascii() and name.isdigit() and len(name) < 9 else []


def made(number: int, name: str) -> Listed:
    market: Market = "spot" if number >= FIRST_SPOT else "perp"
    return silent("lighter", market, str(number), base=name, number=number)


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: frame.startswith(tuple(b'{"channel":"%b:' % name.encode() for name in CHANNELS)),
    rest=lambda path: path.startswith("/api/v1/"),
    empty=lambda request: b'{"code":200}',
    loose=(frozenset({"limit"}), frozenset({"start_timestamp", "end_timestamp", "count_back"})),
)
