"""Every line of the captures kept beside the repository becomes something that is counted."""

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest

from services.collector.capture import read_files
from services.collector.messages import Unknown
from services.collector.offline import load_listing
from services.collector.recorded import Listing, Recorded
from services.collector.venues import VENUES
from shared.events import KIND

LISTING = Path(__file__).parent / "listing" / "markets.json"

#: file -> (frames, kinds of events and controls, reasons of unknowns); the reasons are explained in the venue's README
EXPECTED = {
    "SYNTHETIC__sbe_vectors.json": (3, {"trade": 1, "quote": 1, "BookSnapshot": 1}, {}),
    "ccxt_ccxt__rest_docstrings.jsonl": (
        16,
        {"Relist": 1, "mark": 1, "funding": 2, "stats": 1, "BookSnapshot": 1, "trade": 1, "Refused": 1},
        {"bare_row": 7, "unused_endpoint": 2, "bad_shape": 1},
    ),
    "ccxt_ccxt__ws_docstrings.jsonl": (7, {"Refused": 1}, {"old_api": 4, "bare_row": 1, "auth": 1}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_line_is_counted(name: str, captures: Path) -> None:
    path = captures / "paradex" / name
    listing = Listing(VENUES["paradex"])
    load_listing(listing, [str(LISTING)], StringIO())
    recorded = Recorded(VENUES["paradex"], listing, None)
    lines = [one for line in read_files([str(path)], None) for one in recorded.whole(line)]  # type: ignore[arg-type]
    frames = [line for line in lines if line.skipped is None]
    recorded.choose_quotes(frames)
    made = [message for frame in frames for message in recorded.decode(frame)]
    unknown = Counter(message.reason for message in made if isinstance(message, Unknown))
    kinds = Counter(
        KIND.get(type(message), type(message).__name__) for message in made if not isinstance(message, Unknown)
    )
    assert (len(frames), dict(kinds), dict(unknown)) == EXPECTED[name]
