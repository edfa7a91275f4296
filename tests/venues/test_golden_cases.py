"""Golden cases: a folder of frames and what becomes of them, whole. Adding one needs no Python.

`<venue>/<case>/`: `frames.jsonl` (a frame a line, in any form that the decoding tool reads), `events.jsonl` (what the
tool prints for them), `instruments.json` (listing call -> REST body), `case.json` (market, endpoint, quote_channel: all
optional), `source.md` (where the frames are from and what the case proves).

To write `events.jsonl` anew after a change on purpose: `UPDATE_CASES=1 pytest tests/venues`, then read the difference.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.collector import offline
from services.collector.capture import read
from services.collector.recorded import Listing, Recorded
from services.collector.venues import VENUES
from shared.instruments import Market

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/frames.jsonl"))


class Case(msgspec.Struct, forbid_unknown_fields=True):
    market: Market | None = None
    endpoint: str | None = None
    quote_channel: dict[Market, str] | None = None


def events_of(case: Path) -> list[dict[str, Any]]:
    """What the decoder and the book sync make of a case's frames, as the tool prints it."""
    venue = VENUES[case.parent.name]
    options = msgspec.json.decode((case / "case.json").read_bytes(), type=Case)
    endpoint_market = next((e.market for e in venue.endpoints if e.name == options.endpoint), None)
    listing = Listing(venue)
    bodies = msgspec.json.decode((case / "instruments.json").read_bytes(), type=dict[str, msgspec.Raw])
    for call, body in bodies.items():
        listing.put(call, bytes(body))
    listing.refresh()
    recorded = Recorded(venue, listing, options.market or endpoint_market, options.quote_channel)
    with (case / "frames.jsonl").open("rb") as handle:
        frames = [one for line in read(handle) for one in recorded.whole(line) if one.skipped is None]
    if options.quote_channel is None:
        recorded.choose_quotes(frames)
    made = [msgspec.json.decode(msgspec.json.encode(fields)) for fields in offline.objects(recorded, frames, Counter())]
    return [{name: value for name, value in fields.items() if name != "file"} for fields in made]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_case_decodes_to_exactly_its_events(case: Path) -> None:
    made = events_of(case)
    expected = case / "events.jsonl"
    if os.environ.get("UPDATE_CASES"):
        expected.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in made))
    assert made == [msgspec.json.decode(line) for line in expected.read_bytes().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_case_says_where_its_frames_are_from(case: Path) -> None:
    assert (case / "source.md").read_text().strip()


@pytest.mark.parametrize("venue", VENUES)
def test_every_channel_of_a_venue_has_a_case(venue: str) -> None:
    proven = set()
    for case in (case for case in CASES if case.parent.name == venue):
        lines = (case / "events.jsonl").read_bytes().splitlines()
        proven |= {msgspec.json.decode(line).get("channel") for line in lines}
    missing = {channel.name for channel in VENUES[venue].channels} - proven
    assert not missing, f"no case shows what {venue} makes of {sorted(missing)}"
