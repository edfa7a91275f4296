"""Recordings beside the repository, as the tests of the venues and `docs/coverage.md` read them.

Most files are read as the decoding tool reads them. Two collections are no frames as they stand:

- `<source>__http_<path>.json`, answers of one REST route: the path is in the file's name, its slashes as underscores;
- an object of groups of samples, group -> name -> sample: frames in the groups of `websocket_streams`, in others the
  answers of the routes that the names stand for.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec

from services.collector.capture import Captured, read_files, request_of
from services.collector.messages import Message, Unknown
from services.collector.recorded import Listing, Recorded
from services.collector.venue import Request
from services.collector.venues import VENUES
from shared.instruments import Market

HERE: Final = Path(__file__).parent


class _Answer(msgspec.Struct):
    """One answer of a recorded route, with the names of the file."""

    queryString: str  # noqa: N815
    data: msgspec.Raw


_ROUTE: Final = re.compile(r".*__http(_[A-Za-z0-9_]+)\.json")
_ANSWERS: Final = msgspec.json.Decoder(list[_Answer])
_SAMPLES: Final = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]])
_SOCKETS: Final = "websocket_streams"
_SAMPLE_ROUTES: Final = {
    "exchange_information": "exchangeInfo",
    "get_funding_rate_history": "fundingRate",
    "get_funding_rate_info": "fundingInfo",
    "mark_price": "premiumIndex",
    "open_interest": "openInterest",
    "order_book": "depth",
    "symbol_order_book_ticker": "ticker/bookTicker",
    "ticker24hr_price_change_statistics": "ticker/24hr",
}


def fixtures(venue: str) -> list[Path]:
    """The bodies of the instruments that recordings of a venue name, in the venue's own form."""
    return sorted((HERE / venue / "listing").glob("*.json"))


def listing(venue: str) -> Listing:
    """The instruments of `fixtures`."""
    made = Listing(VENUES[venue])
    for path in fixtures(venue):
        assert made.add(path.read_bytes()), f"{path} is no listing of {venue}"
    made.refresh()
    return made


def recorded(venue: str, market: Market | None = None, quotes: Mapping[Market, str] | None = None) -> Recorded:
    """A decoder of recordings that knows the instruments of `fixtures`."""
    return Recorded(VENUES[venue], listing(venue), market, quotes)


def lines(path: Path, of: Recorded) -> list[Captured]:
    """Every line of a file, those without a frame too."""
    return list(_route(path)) or list(_samples(path)) or list(read([path], of))


def read(paths: Sequence[Path], of: Recorded) -> Iterator[Captured]:
    """Every line of files that hold frames as they stand, in the order of their times."""
    found = read_files([str(path) for path in paths], BytesIO())
    return (one for line in found for one in of.whole(line))


def frames(path: Path, of: Recorded, asked: Mapping[str, str] | None = None) -> list[Captured]:
    """The frames and answers of a file. `asked` is what answers were asked with where the file does not say."""
    found = [one for one in lines(path, of) if one.skipped is None]
    assert found
    return [
        replace(one, request=Request(one.request.endpoint, asked or {}))
        if one.request is not None and not one.request.params
        else one
        for one in found
    ]


def kind(message: Message) -> str:
    """What a message is counted as: an unknown one by its reason."""
    return message.reason if isinstance(message, Unknown) else type(message).__name__


def messages(of: Recorded, found: Iterable[Captured]) -> list[Message]:
    """What frames become. Each one must become something."""
    made = []
    for one in found:
        of_one = of.decode(one)
        assert of_one, f"line {one.line} of {one.file} makes nothing"
        made += of_one
    return made


def counts(made: Iterable[Message]) -> dict[str, int]:
    """How many messages of each kind there are."""
    return Counter(map(kind, made))


def _route(path: Path) -> Iterator[Captured]:
    if (named := _ROUTE.fullmatch(path.name)) is None:
        return
    for number, answer in enumerate(_ANSWERS.decode(path.read_bytes()), 1):
        asked = request_of(f"{named[1].replace('_', '/')}?{answer.queryString}")
        yield Captured(number, bytes(answer.data), request=asked, file=str(path))


def _samples(path: Path) -> Iterator[Captured]:
    try:
        groups = _SAMPLES.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if not any(group.startswith(_SOCKETS) for group in groups):
        return
    named = ((group, name, sample) for group, samples in groups.items() for name, sample in samples.items())
    for number, (group, name, sample) in enumerate(named, 1):
        asked = None if group.startswith(_SOCKETS) else Request(f"/fapi/v1/{_SAMPLE_ROUTES.get(name, name)}")
        yield Captured(number, bytes(sample), request=asked, file=str(path))
