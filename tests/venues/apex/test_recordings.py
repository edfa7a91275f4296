"""Recorded frames and documentation samples: every frame counted, nothing unexplained."""

from pathlib import Path

import pytest

from services.collector.messages import Refused
from tests.venues.recordings import counts, frames, messages, recorded

FOLDER = "apex"


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        (
            "ccxt_ccxt__rest_docstrings.jsonl",
            12,
            # the time, a token, a chain, a candle, prints twice; the history of a contract that is not listed
            {"unused_endpoint": 6, "Relist": 1, "Mark": 1, "Funding": 1, "Stats": 1, "Quote": 1, "unknown_symbol": 1}
            | {"Refused": 2},
        ),
        (
            "ccxt_ccxt__ws_docstrings.jsonl",
            6,
            # prints and a candle; a book as it was spelled before; an answer of another exchange
            {"unused_channel": 2, "old_api": 1, "other_exchange": 1, "Refused": 1, "Pong": 1},
        ),
        (
            "unnamed-trader__apex_frames.jsonl",
            5,
            # two changes of a book whose snapshot was not recorded; prints
            {"Quote": 1, "no_snapshot": 2, "unused_channel": 1, "Mark": 1},
        ),
    ],
)
def test_every_recorded_frame_is_accounted_for(
    captures: Path, name: str, length: int, expected: dict[str, int]
) -> None:
    of = recorded(FOLDER)
    found = frames(captures / FOLDER / name, of)
    assert len(found) == length
    made = messages(of, found)
    assert all(message.reason for message in made if isinstance(message, Refused))
    assert counts(made) == expected
