"""Recorded frames and the documentation's samples: every frame counted, nothing unexplained."""

from pathlib import Path

import pytest

from tests.venues.recordings import counts, frames, messages, recorded

FOLDER = "edgex"


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        # the first generation's models: each value is its field's name
        ("edgex-Tech_edgex-golang-sdk__openapi_examples.jsonl", 33, {"old_api": 33}),
        # the hello, a book and its change, quotes of two contracts, a ticker, a trade, a ping
        (
            "unnamed-trader__edgex_v2_frames.jsonl",
            7,
            {"Ack": 1, "unused_channel": 3, "Quote": 2, "Mark": 1, "Funding": 1, "Stats": 1, "Answer": 1},
        ),
    ],
)
def test_every_recorded_frame_is_accounted_for(
    captures: Path, name: str, length: int, expected: dict[str, int]
) -> None:
    of = recorded("edgex", quotes={"perp": "bookTicker"})
    found = frames(captures / FOLDER / name, of)
    assert len(found) == length
    assert counts(messages(of, found)) == expected
