"""GRVT's recorded sessions: the stream and the instrument of a frame are its family, without the pace."""

from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.listing import Listed
from services.simulator.recorded import Answer, Recorded, objects, silent


class Pushed(msgspec.Struct):
    """A data frame; acknowledgements have no `feed`."""

    stream: str
    selector: str
    feed: msgspec.Raw


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data."""
    del host  # the frame says it all
    try:
        pushed = msgspec.json.decode(text, type=Pushed)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return f"{pushed.stream}:{pushed.selector.partition('@')[0]}", text


def topic_family(topic: Topic) -> str:
    native = topic.row.native if topic.row is not None else ""
    return f"{topic.channel.partition('@')[0]}:{native}"


def listed(answer: Answer) -> list[Listed]:
    if answer.path != "/full/v1/all_instruments":
        return []
    return [
        silent(
            "grvt",
            "perp" if item.get("kind") == "PERPETUAL" else "dated",
            str(item.get("instrument")),
            str(item.get("base")),
            str(item.get("quote")),
        )
        for item in objects(answer.body, "result")
    ]


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=lambda family: [silent("grvt", "perp", family.partition(":")[2])],
    looks=lambda frame: frame.startswith(b'{"stream":"v1.'),
    rest=lambda path: path.startswith("/full/v1/"),
    empty=lambda request: b'{"result":[]}',
    loose=(frozenset({"limit"}), frozenset({"start_time", "end_time"})),
)
