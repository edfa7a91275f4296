"""Every line of the captures kept beside the repository becomes something that is counted."""

from pathlib import Path

import pytest

from tests.venues.recordings import counts, frames, messages, recorded

#: file -> (frames, what they become); the reasons of unknown ones are explained in the venue's README
EXPECTED = {
    "asterdex_api-docs__futures-v3_EN.jsonl": (
        62,
        {"Ack": 5, "Refused": 3, "Relist": 2, "Quote": 3, "Mark": 3, "Funding": 3, "Settlement": 2, "bad_shape": 7}
        | {"bare_row": 7, "client_frame": 1, "empty": 2, "unused_answer": 4, "unused_channel": 13}
        | {"unused_endpoint": 11},
    ),
    "ccxt_ccxt__rest_docstrings.jsonl": (
        19,
        {"Refused": 1, "Relist": 1, "Mark": 2, "Funding": 2, "Settlement": 2, "bad_shape": 1, "bare_row": 3}
        | {"unused_endpoint": 9},
    ),
    "ccxt_ccxt__ws_docstrings.jsonl": (6, {"Quote": 1, "Mark": 1, "Funding": 1, "unused_channel": 4}),
    "tardis-dev_tardis-node__mappers_aster_futures.jsonl": (
        14,
        {"Quote": 1, "Mark": 1, "Funding": 1, "unused_channel": 12},
    ),
    "tardis-dev_tardis-node__mappers_aster_spot.jsonl": (6, {"other_market": 1, "unused_channel": 5}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_line_is_counted(name: str, captures: Path) -> None:
    of = recorded("aster")
    found = frames(captures / "aster" / name, of)
    of.choose_quotes(found)
    assert (len(found), counts(messages(of, found))) == EXPECTED[name]


def test_no_recording_is_left_out(captures: Path) -> None:
    assert {path.name for path in (captures / "aster").iterdir()} == set(EXPECTED)
