"""What a simulator is started with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class OptionError(ValueError):
    """An option, scenario or recording that cannot be used: one sentence that names it and what was expected."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The exchanges' own rules, in seconds and counts; tests shorten them. None switches a rule off.

    A venue with rules that have no field here asks `of("<venue>.<rule>", usual)`, and a test shortens them in `own`.
    """

    #: protocol pings of the server and how long it waits for a pong
    spot_ping_s: float = 20.0
    spot_pong_s: float = 60.0
    futures_ping_s: float = 180.0
    futures_pong_s: float = 600.0
    #: a text-ping exchange closes after this long without a frame either way
    idle_s: float = 30.0
    #: forced end of a connection's life
    lifetime_s: float | None = 86_400.0
    #: subscriptions on one connection
    streams_per_connection: int = 1024
    #: messages from the client in any second, by market
    spot_messages_per_s: int = 5
    futures_messages_per_s: int = 10
    #: subscribe and unsubscribe requests an hour and connection, and bytes of one request
    requests_per_hour: int = 480
    request_bytes: int = 65_536
    #: REST weight in a minute
    spot_weight: int = 6000
    futures_weight: int = 2400
    #: connection attempts: (count, window seconds)
    stream_connects: tuple[int, float] = (300, 300.0)
    text_connects: tuple[int, float] = (3, 1.0)
    enforce_connects: bool = True
    #: rules of single venues by name, in place of the usual
    own: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str, usual: float) -> float:
        """A venue's own rule."""
        return self.own.get(name, usual)


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that shapes one simulator.

    No `venues`: all. `instruments` counts the collectable ones of each venue, which are all of it where the real venue
    has fewer; rows that must not be collected come on top.
    `scenario` None: a calm market without incidents. `rate` is quote events
    a second over all venues together; `speed` and `replay` choose recorded sessions instead.
    """

    venues: tuple[str, ...] = ()
    port: int = 0
    instruments: int = 1000
    seed: int = 1
    rate: float = 1000.0
    scenario: Path | None = None
    #: the scenario's clock stands at 0 until `POST /_sim/begin`
    wait: bool = False
    replay: tuple[Path, ...] = ()
    speed: float = 1.0
    loop: bool = False
    settle_s: float = 2.0
    #: share of quote events that come with a trade
    trades: float = 0.2
    #: levels a side of a synthetic book
    levels: int = 100
    #: delivered frames kept for inspection, per venue
    keep: int = 2000
    rules: Rules = field(default_factory=Rules)
