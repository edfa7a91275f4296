"""What the driver and the server ask of a simulated exchange."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.simulator.hub import Feed, Socket
from services.simulator.listing import Listed
from services.simulator.market import Market
from services.simulator.options import Options
from services.simulator.wire import Reply, Request


@dataclass(frozen=True, slots=True)
class World:
    """What every exchange is made from."""

    options: Options
    market: Market
    feed: Feed
    rows: Sequence[Listed]


class Exchange(Protocol):
    """One venue's side of its protocol. `t` is epoch seconds everywhere."""

    name: str
    feed: Feed
    #: (seconds, what to do then): channels that send at a pace of their own
    paces: Sequence[tuple[float, Callable[[float], None]]]

    def answer(self, request: Request, t: float) -> Reply:
        """A REST answer; `request.method` and `request.body` say what was posted."""

    def accept(self, request: Request, t: float) -> str | Reply:
        """The endpoint's name for a WebSocket handshake, or the answer that refuses it.

        A venue with several addresses tells its sockets apart by the endpoint's name (`Socket.endpoint`).
        """

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """A socket has opened: subscribes what its URL asks for."""

    def received(self, socket: Socket, text: str, t: float) -> None:
        """A text frame from the client."""

    def control(self, socket: Socket, t: float) -> None:
        """A protocol ping or pong from the client."""

    def watch(self, socket: Socket, t: float) -> None:
        """Called once a second for each socket: pings, idle rules, lifetime."""

    def quoted(self, row: Listed, t: float) -> None:
        """An instrument has a new top of book."""

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        """An instrument has traded."""

    def changed(self, row: Listed, t: float) -> None:
        """An instrument's status has changed."""

    def goodbye(self, socket: Socket, t: float) -> None:
        """Announces that the connection will be closed."""

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        """The (channel, instrument) pairs of a socket that can be blasted."""

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        """A payload of the channel with `u` as its sequence number and `ms` as its times, both as given texts.

        A binary payload holds `int(u)` and `int(ms)`, or thousands or millions of it, as little-endian int64.
        """
