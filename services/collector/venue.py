"""The contract of a venue: a frozen record of facts plus pure functions.

A venue is one folder in `services/collector/venues/` and one line in that package's registry. Nothing outside the
folder knows its name. Everything here is data or a pure function: no socket, no clock, no logger, no await.

The generic parts (planner, session, runner, REST, merge, book sync, capture) do the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.collector.messages import BookDelta, BookSnapshot, Message
from services.collector.table import Table
from shared.events import Event, Level
from shared.instruments import Instrument, Market, QuoteMode

Follow = Literal["apply", "skip", "gap"]

#: (best bids and asks as the venue wrote them, the checksum it sent) -> whether they agree
Verify = Callable[[Sequence[Level], Sequence[Level], int], bool]


@dataclass(frozen=True, slots=True)
class Request:
    """What a REST body answers: the path without host (`/api/v3/depth`) and the parameters as sent.

    Those of a POST are the members of its JSON body; what is no text among them stands as JSON (`"5"`, `"[1,2]"`).
    """

    endpoint: str
    params: Mapping[str, str] = field(default_factory=dict)


#: `decode(frame, recv_ns, request=None)`: `request` comes with a REST body. It never raises; a bad row is one
#: `Unknown`, and the good rows of the same frame are kept. Its state dies with its connection.
Decode = Callable[..., list[Message]]

#: `quick(frames, recv_ns)`: the events of those frames that hold what most frames hold, in order, and the other frames,
#: in order. The events are the ones that `decode` makes of the same frames.
Quick = Callable[[Sequence[bytes], int], tuple[list[Event], Sequence[bytes]]]


@dataclass(frozen=True, slots=True)
class Ping:
    """How a connection is kept alive. `frame` None: the venue sends protocol pings and the socket library answers.

    A frame is sent after `idle_s` seconds without a frame from the venue (`always`: every `idle_s` seconds); with no
    frame of any kind for `dead_s` seconds the connection is dead. `{ms}` in it stands for the time of sending, in
    milliseconds.
    """

    frame: bytes | None
    idle_s: float
    dead_s: float
    always: bool = False

    def at(self, now: int) -> bytes | None:
        """The frame to send at a time in nanoseconds; None: a protocol ping."""
        return None if self.frame is None else self.frame.replace(b"{ms}", str(now // 1_000_000).encode())


@dataclass(frozen=True, slots=True)
class Limits:
    """What the venue allows on one socket endpoint; None where it states no such limit."""

    topics_per_connection: int
    topics_per_frame: int
    frames_per_second: float
    frame_bytes: int | None = None
    #: characters of all topics of a connection together
    topic_chars: int | None = None
    #: subscribe and unsubscribe frames an hour and connection
    frames_per_hour: int | None = None
    #: frames that all connections of an address may send in a window of seconds
    frames: tuple[int, float] | None = None
    #: subscribe frames under way without an answer
    unanswered: int | None = None
    #: connection attempts in a window of seconds, per address
    connects: tuple[int, float] = (300, 300.0)
    #: open connections per address
    connections: int | None = None
    #: the venue closes a connection of this age
    lifetime_s: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One socket address of the venue and what its decoder must know beside the frames.

    `{ms}` in `url` stands for the time of connecting, in milliseconds. `acks`: the venue answers what it is asked for;
    else a topic counts as accepted once a second has passed in which nothing was refused.
    """

    name: str
    url: str
    market: Market | None
    ping: Ping
    limits: Limits
    acks: bool = True


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of topic.

    `makes` names the event kinds its frames turn into (`quote`, `trade`, ...). `scope` "instrument": one topic for
    each; "market": one topic for all of them. `rank` orders the channels that make `quote` for a market, lowest first
    and best; the decoder of a connection emits quotes only from the best one planned. `silent_s`: a topic that stays
    silent for longer, on a connection whose other topics move, is resubscribed (None: it may be silent for ever).
    `on_demand`: subscribed only for symbols in `demand:<venue>:<kind>` and the watch list.
    """

    name: str
    endpoint: str
    market: Market
    makes: tuple[str, ...]
    scope: Literal["instrument", "market"] = "instrument"
    rank: int = 0
    mode: QuoteMode = "on_change"
    period_ms: int | None = None
    silent_s: float | None = None
    on_demand: bool = False
    #: how much of a connection one topic takes, in ordinary topics (a deep book takes many)
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Host:
    """One REST host: its base URL and its budget, `weight` in each window of `window_s` seconds."""

    name: str
    url: str
    weight: int
    window_s: float
    #: header that tells the weight already used, where the venue sends one
    used_header: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The parameters that name the stretch of time asked for: from `since` until `until` (None: until now).

    `digits`: decimals of a second that their numbers count (0: seconds, 3: milliseconds, 9: nanoseconds); `text`: sent
    as text where the request has a JSON body.
    """

    since: str
    until: str | None = None
    digits: int = 3
    text: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One REST call the collector makes.

    `job` says what for: `listing` (at start and every 15 minutes; all listing calls of a venue are parsed together),
    `quotes` (the fallback: all tickers of a market, or one symbol's where `symbol_param` is set), `poll` (events that
    no socket channel gives, every `every_s`), `book` (one book, `symbol_param` names its parameter), `settlements`
    (funding history). With a `body` it is a POST of that JSON object, the parameters among its members; without one a
    GET. `{name}` in `path` stands for the parameter of that name, which is then not in the query.
    """

    name: str
    job: Literal["listing", "quotes", "poll", "book", "settlements"]
    host: str
    path: str
    market: Market | None
    params: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    every_s: float | None = None
    makes: tuple[str, ...] = ()
    symbol_param: str | None = None
    body: Mapping[str, object] | None = None
    #: for a history that must be told from when
    span: Span | None = None
    #: only about perpetuals that settle in this: a venue may have a product, with calls of its own, for each currency
    settle: str | None = None
    #: of a list that comes in pages: one page's body -> the parameters that ask for the next, None after the last
    next_page: Callable[[bytes], Mapping[str, str] | None] | None = None
    #: how `symbol_param` spells an instrument, where that is not its native id
    spelled: Callable[[Instrument], str] | None = None

    def naming(self, instrument: Instrument) -> dict[str, str | int]:
        """The parameters that name an instrument; none where the call is about all of them."""
        if self.symbol_param is None:
            return {}
        return {self.symbol_param: instrument.native if self.spelled is None else self.spelled(instrument)}

    def concerns(self, instrument: Instrument) -> bool:
        """Whether it may be made for this instrument."""
        return self.market == instrument.market and self.settle in (None, instrument.settle)


@dataclass(frozen=True, slots=True)
class Login:
    """How a user of the venue logs in: one POST of a JSON object, whose answer tells what to carry from then on.

    `session(headers, cookies)`: the headers that every call and socket carries, None where the answer opens no session;
    `closed` says what that means. The names of `headers` are in small letters.
    """

    host: str
    path: str
    body: Mapping[str, str] = field(repr=False)
    session: Callable[[Mapping[str, str], Mapping[str, str]], Mapping[str, str] | None]
    headers: Mapping[str, str] = field(default_factory=dict)
    closed: str = "the answer opens no session"
    lifetime_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """What a decoder is made for.

    `endpoint` is the socket endpoint's name, None for REST bodies. `market` is set where frames cannot tell it.
    `quote_channel` names the one channel whose frames make `quote` for each market; other channels that could are
    decoded without it. `in_parts`: frames of many rows are wanted as `Rows`.
    """

    endpoint: str | None = None
    market: Market | None = None
    quote_channel: Mapping[Market, str] = field(default_factory=dict)
    in_parts: bool = False


def nothing_quick(_table: Table, _options: DecoderOptions) -> Quick:
    """For a venue whose frames are decoded one by one."""
    return lambda frames, recv: ([], frames)


def nothing_outside(_bodies: Mapping[str, bytes]) -> frozenset[str]:
    """For a venue whose listings hold nothing but spot pairs and linear perpetuals."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that users of one venue may set; `services/collector/variables.py` has the usual ones.

    `apply(venue, text)` gives the record with it. It raises `ValueError` for a text that cannot be used; `accepted`
    says what can. `default` is what the record has without it, for the documents. `address`: it says where traffic
    goes. `secret`: its value is never shown.
    """

    name: str
    description: str
    accepted: str
    apply: "Callable[[Venue, str], Venue]"
    default: str = ""
    address: bool = False
    secret: bool = False


class Unreadable(ValueError):
    """A listing body that cannot be used: says which call, what it holds and what was expected."""


@dataclass(frozen=True, slots=True)
class Venue:
    """Everything that is particular about one exchange.

    - `listing(bodies)`: REST listing bodies by call name (further pages as `name#2` and so on) -> every spot pair and
      linear perpetual they hold, whatever its status, name collisions not yet resolved (the generic `listing.py` does
      that). Some bodies may be missing. Raises `Unreadable`.
    - `outside(bodies)`: the native ids in the same bodies that are listed and out of scope (inverse, dated, options);
      they go to `Table.outside`, so that a decoder can tell them from an instrument that nobody listed.
    - `is_listing(body)`: the name of the listing call that a body answers by its form, or None.
    - `market_of(frame)`: the market that a raw socket frame belongs to, None where the frame cannot tell.
    - `topic_of(frame)`: the topic whose data a raw socket frame carries, None for an answer, a pong or garbage; for
      tools and captures, not the hot path.
    - `topic(channel, instrument)`: the topic's name, the same text that Ack and Refused carry (instrument None: market
      scope). `channel_of(topic)` is the other way round: the channel's name.
    - `subscribe(topics, id)`, `unsubscribe(topics, id)`: one text frame; empty where the address says it all.
    - `decoder(table, options)`: makes the `decode` of one connection.
    - `follows(previous, delta)`: whether a book delta continues from `previous`, the snapshot or delta applied last.
    """

    name: str
    display_name: str
    cryexc: Mapping[Market, str]
    hosts: tuple[Host, ...]
    endpoints: tuple[Endpoint, ...]
    channels: tuple[Channel, ...]
    calls: tuple[Call, ...]
    taker_fee_bps: Mapping[Market, str]
    maker_fee_bps: Mapping[Market, str]
    listing: Callable[[Mapping[str, bytes]], list[Instrument]]
    is_listing: Callable[[bytes], str | None]
    market_of: Callable[[bytes], Market | None]
    topic: Callable[[Channel, Instrument | None], str]
    channel_of: Callable[[str], str | None]
    subscribe: Callable[[Sequence[str], int], bytes]
    unsubscribe: Callable[[Sequence[str], int], bytes]
    decoder: Callable[[Table, DecoderOptions], Decode]
    follows: Callable[[BookSnapshot | BookDelta, BookDelta], Follow]
    resync: Literal["rest", "resubscribe"]
    rest_quotes: Literal["all", "single", "none"]
    #: link to the instrument's page on the venue, for "open on exchange"
    trade_url: Callable[[Instrument], str]
    topic_of: Callable[[bytes], str | None]
    outside: Callable[[Mapping[str, bytes]], frozenset[str]] = nothing_outside
    #: makes the `quick` of one connection, beside its `decode`: for what comes most
    quick: Callable[[Table, DecoderOptions], Quick] = nothing_quick
    #: for a venue that sends checksums of its books
    verify: Verify | None = None
    #: the number of levels at which a snapshot is cut; None: it is the whole book that the deltas go on with
    snapshot_levels: int | None = None
    #: what its users may set in the environment; later ones win
    variables: tuple[Variable, ...] = ()
    #: for a user whose keys are set
    login: Login | None = None
    #: it white-lists addresses, which users give in the fourth version
    ipv4_first: bool = False
