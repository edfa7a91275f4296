"""Every line of the captures kept beside the repository becomes something that is counted."""

from pathlib import Path

import pytest

from tests.venues.recordings import counts, frames, messages, recorded

#: file -> (frames, what they become); the reasons of unknown ones are explained in the venue's README
EXPECTED = {
    "ccxt_ccxt__rest_docstrings.jsonl": (
        17,
        {"Funding": 1, "Stats": 2, "Quote": 1, "Settlement": 1, "Refused": 1, "bad_shape": 7, "no_request": 1}
        | {"unused_endpoint": 4},
    ),
    "ccxt_ccxt__ws_docstrings.jsonl": (6, {"Funding": 1, "Mark": 1, "Refused": 1, "old_api": 1, "unused_channel": 2}),
    "unnamed-trader__extended_frames.jsonl": (7, {"Quote": 1, "Mark": 1, "unused_channel": 5}),
    "x10xchange_python_sdk__get_btc_usd_market_json_data.json": (1, {"Funding": 1, "Stats": 1}),
    "x10xchange_python_sdk__stream_fixtures.jsonl": (2, {"old_api": 1, "unused_channel": 1}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_line_is_counted(name: str, captures: Path) -> None:
    of = recorded("extended")
    found = frames(captures / "extended" / name, of)
    of.choose_quotes(found)
    assert (len(found), counts(messages(of, found))) == EXPECTED[name]


def test_no_recording_is_left_out(captures: Path) -> None:
    assert {path.name for path in (captures / "extended").iterdir()} == set(EXPECTED)
