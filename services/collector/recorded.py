"""Recorded frames through a venue's decoder, as the live path has them: for the decoding tool and for replays.

Three things are known live and must be found out here: which instruments there are (`Listing`, from the venue's own
listing bodies), which market a frame is of, and which channel's quotes count (`Recorded.choose_quotes`).
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from services.collector.capture import Captured, elements
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.naming import resolve_collisions
from services.collector.overrides import Override, Overrides
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Quick, Unreadable, Venue
from shared.events import KIND, Quote
from shared.instruments import Instrument, Market

#: what decoders call a frame whose market cannot be told
NO_MARKET: Final = "no_market"
#: a line that says how a frame was kept, and from which it cannot be taken
BAD_WRAPPER: Final = "bad_wrapper"
#: a JSON array of which everything is one of these is frames, not a body
NO_BODY: Final = frozenset({"bad_shape", "not_json", "empty", NO_MARKET, "unused_endpoint", "no_symbol"})
MARKETS: Final[tuple[Market, ...]] = ("spot", "perp")


class Listing:
    """The instruments of some listing bodies; several bodies of one call add up, the later one wins a row.

    `given`: what users say of the venue's instruments; they are read by it as they are live.
    """

    def __init__(self, venue: Venue, given: tuple[Override, ...] = ()) -> None:
        self._venue = venue
        self._overrides = Overrides(given=given)
        self._calls = {call.name: call for call in venue.calls if call.job == "listing"}
        self._bodies: list[tuple[str, bytes]] = []
        #: the pages of each call that came among the frames: those in force, and those of a list that is coming
        self._found: dict[str, tuple[bytes, ...]] = {}
        self._coming: dict[str, tuple[bytes, ...]] = {}
        #: calls of which a list has come whole
        self._whole: set[str] = set()
        self._rows: dict[tuple[Market, str], Instrument] = {}
        self.table = Table()

    def __len__(self) -> int:
        return len(self._bodies)

    def add(self, body: bytes) -> bool:
        """Whether it was a listing. `refresh` must follow."""
        call = self._venue.is_listing(body)
        if call is None:
            return False
        self.put(call, body)
        return True

    def put(self, call: str, body: bytes) -> None:
        """Take a body of which the call is known. `refresh` must follow."""
        if (call, body) not in self._bodies:
            self._bodies.append((call, body))

    def renew(self, body: bytes, params: Mapping[str, str] | None = None) -> bool:
        """Take a body that came among the frames, in place of the one before: whether the table has changed with it.

        A list of several pages takes effect with its last one, as live, unless it is the first. `params`: what it was
        asked for with. A body that lists nothing by itself (terms that belong to the others) waits for the next,
        unless it is the first. Raises `Unreadable`.
        """
        call = self._call_of(body, params or {})
        if call is None:
            return False
        goes_on = self._goes_on(call, params or {})
        pages = (*self._coming.get(call, ()), body) if goes_on else (body,)
        self._coming[call] = pages
        if self._next(call, body) is not None and call in self._whole:
            return False
        if self._next(call, body) is None:
            self._whole.add(call)
        if self._found.get(call) == pages:
            return False
        worth = call not in self._found or bool(self._venue.listing(_named(call, pages)))
        self._found[call] = pages
        if worth:
            self.refresh()
        return worth

    def _call_of(self, body: bytes, params: Mapping[str, str]) -> str | None:
        """The call that it answers: by its form, else (a last page may hold nothing) by what was to be asked next."""
        found = self._venue.is_listing(body)
        if found is not None or not params:
            return found
        due = [call for call in self._coming if self._goes_on(call, params)]
        return max(due, key=lambda call: len(self._calls[call].params), default=None)

    def _goes_on(self, call: str, params: Mapping[str, str]) -> bool:
        """Whether what was asked for is the page after the one before; without parameters it is whenever one is due."""
        due = self._next(call, self._coming[call][-1]) if call in self._coming else None
        return due is not None and (not params or {**self._calls[call].params, **due}.items() <= params.items())

    def _next(self, call: str, body: bytes) -> Mapping[str, str] | None:
        made = self._calls.get(call)
        return None if made is None or made.next_page is None else made.next_page(body)

    def refresh(self) -> None:
        """Put what the bodies hold into the table. Raises `Unreadable`."""
        found = {name: page for call, pages in self._found.items() for name, page in _named(call, pages).items()}
        bodies_in_order = [*self._bodies, *found.items()]
        latest = dict(bodies_in_order)
        rows: dict[tuple[Market, str], Instrument] = {}
        outside: set[str] = set()
        for call, body in bodies_in_order:
            bodies = {**latest, call: body}
            rows.update({(one.market, one.native): one for one in self._venue.listing(bodies)})
            outside |= self._venue.outside(bodies)
        self._rows = rows
        self.table.replace(resolve_collisions(self._overrides.applied(rows.values())), outside)

    def unused(self) -> list[Override]:
        """What users say of instruments that are not in the bodies."""
        return self._overrides.unused(self._rows.values())


def _named(call: str, pages: tuple[bytes, ...]) -> dict[str, bytes]:
    """The pages of a call under the names that a venue's `listing` knows them by."""
    return {call if number == 1 else f"{call}#{number}": page for number, page in enumerate(pages, 1)}


class Recorded:
    """Decodes captured frames: a decoder per connection and market, one table."""

    def __init__(
        self, venue: Venue, listing: Listing, market: Market | None, quotes: Mapping[Market, str] | None = None
    ) -> None:
        self.venue, self._listing, self._market = venue, listing, market
        self._quotes: Mapping[Market, str] = quotes or {}
        self._decoders: dict[tuple[str | None, Market | None], tuple[Decode, Quick]] = {}
        self._endpoints = {endpoint.name: endpoint.market for endpoint in venue.endpoints}
        self._hosts = {urlsplit(endpoint.url).hostname: endpoint.market for endpoint in venue.endpoints}
        self._paths = {call.path: call.market for call in venue.calls}
        self._listings = {call.path for call in venue.calls if call.job == "listing"}
        #: whether frames are told apart by their connection: a venue of one socket for both markets needs no help
        self._apart = any(endpoint.market is not None for endpoint in venue.endpoints)

    @property
    def quotes(self) -> Mapping[Market, str]:
        """The channel whose frames make quotes, for each market that has one."""
        return self._quotes

    def choose_quotes(self, frames: Iterable[Captured]) -> None:
        """Find the best quote channel that the frames have, for each market: by trying them all."""
        ranked = {market: self._quote_channels(market) for market in MARKETS}
        depth = max(len(names) for names in ranked.values())
        trials = [
            Recorded(
                self.venue, self._listing, self._market, {m: names[n] for m, names in ranked.items() if n < len(names)}
            )
            for n in range(depth)
        ]
        best = dict.fromkeys(MARKETS, depth)
        for captured in frames:
            if captured.request is not None:
                continue
            for rank, trial in enumerate(trials[: max(best.values())]):
                for market in trial.quoted(captured):
                    best[market] = min(rank, best[market])
        self._quotes = {market: ranked[market][rank] for market, rank in best.items() if rank < len(ranked[market])}

    def _quote_channels(self, market: Market) -> list[str]:
        made = [c for c in self.venue.channels if c.market == market and "quote" in c.makes]
        return [channel.name for channel in sorted(made, key=lambda channel: channel.rank)]

    def quoted(self, captured: Captured) -> set[Market]:
        """The markets that a frame has quotes of."""
        by_symbol = self._listing.table.by_symbol
        made = self.decode(captured)
        return {by_symbol[m.symbol].market for m in made if isinstance(m, Quote) and m.source == "ws"}

    def decode(self, captured: Captured) -> list[Message]:
        """The messages of one frame or answer."""
        if captured.damaged:
            return [Unknown(BAD_WRAPPER)]
        market = self._market_of(captured) if self._apart else None
        key = (captured.conn, market)
        found = self._decoders.get(key)
        if found is None:
            made_for = self._listing.table, DecoderOptions(self._endpoint_of(captured), market, self._quotes)
            found = self._decoders[key] = self.venue.decoder(*made_for), self.venue.quick(*made_for)
        decode, quick = found
        frame, recv = captured.frame, captured.recv or 0
        if captured.request is None:
            events, left = quick((frame,), recv)
            if not left:
                return list(events)
        return decode(frame, recv, captured.request)

    def whole(self, captured: Captured) -> Iterable[Captured]:
        """A file that is one JSON array: itself where it is one body, else its elements."""
        if not captured.alone:
            return (captured,)
        made = self.decode(captured)
        if made and not all(isinstance(m, Unknown) and m.reason in NO_BODY for m in made):
            return (captured,)
        return tuple(elements(captured)) or (captured,)

    def relist(self, captured: Captured) -> bool:
        """Take a listing that is among the frames: whether it was one that can be read."""
        if captured.request is None or captured.request.endpoint not in self._listings:
            return False
        try:
            return self._listing.renew(captured.frame, captured.request.params)
        except Unreadable:
            return False

    def channel(self, captured: Captured, message: Message) -> str | None:
        """The channel that a message came by: the frame's own, else the only one that makes such events."""
        if captured.request is not None:
            return captured.request.endpoint or None
        topic = self.venue.topic_of(captured.frame)
        if topic is not None:
            return self.venue.channel_of(topic) or topic
        instrument = self._listing.table.by_symbol.get(getattr(message, "symbol", None) or "")
        if instrument is None or getattr(message, "source", "ws") != "ws":
            return None
        market = instrument.market
        kind = "book" if isinstance(message, BookSnapshot | BookDelta) else KIND.get(type(message), "")
        if kind == "quote":
            return self._quotes.get(market)
        made = [channel.name for channel in self.venue.channels if channel.market == market and kind in channel.makes]
        return made[0] if len(made) == 1 else None

    def _endpoint_of(self, captured: Captured) -> str | None:
        """The socket endpoint that a connection's label names, as live decoders know theirs."""
        named = (captured.conn or "").partition("/")[0]
        return named if named in self._endpoints else None

    def _market_of(self, captured: Captured) -> Market | None:
        """The market of the request, else the one asked for, else the connection's, else what the frame says."""
        if captured.request is not None and captured.request.endpoint in self._paths:
            return self._paths[captured.request.endpoint]
        if self._market is not None:
            return self._market
        if captured.conn is not None:
            named = captured.conn.partition("/")[0]
            market = self._endpoints.get(named) or self._hosts.get(urlsplit(captured.conn).hostname)
            if market is not None:
                return market
        return self.venue.market_of(captured.frame)
