"""Every line of the captures kept beside the repository becomes something that is counted."""

from pathlib import Path

import pytest

from tests.venues.recordings import counts, frames, messages, recorded

#: file -> (frames, what they become); the reasons of unknown ones are explained in the venue's README
EXPECTED = {
    "SYNTHETIC__sbe_vectors.json": (3, {"Trade": 1, "Quote": 1, "BookSnapshot": 1}),
    "ccxt_ccxt__rest_docstrings.jsonl": (
        16,
        {"Relist": 1, "Mark": 1, "Funding": 2, "Stats": 1, "BookSnapshot": 1, "Trade": 1, "Refused": 1}
        | {"bare_row": 7, "unused_endpoint": 2, "bad_shape": 1},
    ),
    "ccxt_ccxt__ws_docstrings.jsonl": (7, {"Refused": 1, "old_api": 4, "bare_row": 1, "auth": 1}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_line_is_counted(name: str, captures: Path) -> None:
    of = recorded("paradex")
    found = frames(captures / "paradex" / name, of)
    of.choose_quotes(found)
    assert (len(found), counts(messages(of, found))) == EXPECTED[name]


def test_no_recording_is_left_out(captures: Path) -> None:
    assert {path.name for path in (captures / "paradex").iterdir()} == set(EXPECTED)
