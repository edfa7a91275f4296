"""Scenario files: what goes wrong on the synthetic exchanges, and when.

A file is TOML: `name`, `loop_s` (0: once; else the file starts again every so many seconds) and `[[event]]` tables. An
event has a `kind`, starts `at` seconds after the start and lasts `for` seconds (left out: for ever, or until the loop
starts again). docs/simulator.md lists the kinds and their fields. The same events may be sent to a running simulator.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from services.simulator.expected import Expected
from services.simulator.options import OptionError

MarketKind = Literal["gap", "freeze", "halt", "funding", "crossed", "spike", "thin", "list", "delist", "depeg"]
NetworkKind = Literal[
    "outage",
    "block",
    "redirect",
    "refuse",
    "refuse_topic",
    "stall",
    "drop",
    "duplicate",
    "truncate",
    "slow_ack",
    "no_ack",
    "slow_rest",
    "close",
    "abort",
    "garbage",
    "shutdown",
]
Kind = Literal[MarketKind, NetworkKind]

#: kinds that happen once, at their start
MOMENTS = frozenset({"close", "abort", "garbage", "shutdown", "spike"})

#: fields without which a kind says nothing
NEEDS: dict[str, tuple[str, ...]] = {
    "gap": ("venue", "coin", "bps"),
    "freeze": ("venue",),
    "halt": ("venue", "coin"),
    "funding": ("coin", "rate"),
    "crossed": ("venue", "coin"),
    "spike": ("venue", "coin", "bps"),
    "thin": ("coin", "factor"),
    "list": ("coin",),
    "delist": ("coin",),
    "depeg": ("bps",),
    "outage": ("venue",),
    "block": ("venue", "status"),
    "redirect": ("venue", "location"),
}


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"for_s": "for"}):
    """One thing that happens. Empty `venue`, `coin`, `market`: all of them.

    `bps` basis points; `rate` a fraction per interval; `factor` a multiple of the usual size; `status` an HTTP status;
    `topic` a glob over topic names; `share` of the frames hit; `count` frames, connections or answers and then over;
    `delay_ms` of answers; `code`, `reason` of a close or a refusal; `text` of a garbage frame; `location` a URL. Of a
    listing: `name` the base name that the venue gives it, `multiplier` how many coins one of these is, `price` dollars
    of the coin where it is one that nobody else lists. `every_s`: funding settles each so many seconds.
    """

    kind: Kind
    at: float = 0.0
    for_s: float | None = None
    venue: str = ""
    coin: str = ""
    against: str = ""
    market: Literal["", "spot", "perp"] = ""
    bps: float | None = None
    rate: float | None = None
    factor: float | None = None
    status: int | None = None
    topic: str = "*"
    share: float = 1.0
    count: int | None = None
    delay_ms: float = 1000.0
    code: int | None = None
    reason: str = ""
    text: str | None = None
    location: str | None = None
    name: str = ""
    multiplier: int = 1
    price: float | None = None
    every_s: float | None = None
    #: where a network event strikes: sockets, REST answers, or both
    on: Literal["both", "socket", "rest"] = "both"

    def covers(self, venue: str, coin: str, market: str = "") -> bool:
        return (
            (not self.venue or self.venue == venue)
            and (not self.coin or self.coin == coin)
            and (not self.market or not market or self.market == market)
        )

    def lists(self, base: str) -> bool:
        """Whether an event about a listing means the instrument of this base name."""
        return not self.name or self.name == base


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario file as it is written.

    The simulator plays the events. `python -m scenarios` plays the file through the whole system: on these `venues` for
    so many `seconds`, with these runtime `settings`, and compares the signals with what is expected. `held_back` are
    reasons by which a candidate must have been held back meanwhile; of a list in it, one.
    """

    name: str = ""
    about: str = ""
    loop_s: float = 0.0
    seconds: float = 0.0
    venues: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    event: tuple[Event, ...] = ()
    expect: tuple[Expected, ...] = ()
    held_back: tuple[str | tuple[str, ...], ...] = ()


def check(event: Event, venues: Iterable[str]) -> None:
    """Raises `OptionError` where an event lacks what its kind needs or names a venue that is not simulated."""
    known = tuple(venues)
    for name in NEEDS.get(event.kind, ()):
        if getattr(event, name) in (None, ""):
            raise OptionError(f"event {event.kind!r} needs {name!r}")
    for name in (event.venue, event.against):
        if name and name not in known:
            raise OptionError(f"event {event.kind!r}: venue {name!r} is not simulated, expected one of {sorted(known)}")
    if event.name and (event.kind not in ("list", "delist") or not event.venue):
        raise OptionError(f"event {event.kind!r}: a 'name' needs kind 'list' or 'delist', and a 'venue'")
    if event.every_s is not None and event.every_s < 1:
        raise OptionError(f"event {event.kind!r}: every_s is at least 1")
    if event.multiplier < 1 or (event.price is not None and event.price <= 0):
        raise OptionError(f"event {event.kind!r}: multiplier is at least 1, price above 0")
    if not 0.0 <= event.share <= 1.0 or event.at < 0 or (event.for_s is not None and event.for_s < 0):
        raise OptionError(f"event {event.kind!r}: at and for are seconds from 0, share is between 0 and 1")


def load(path: Path, venues: Iterable[str], registered: Iterable[str] = ()) -> Scenario:
    """Reads a scenario file; events of `registered` venues that are not played are left out. Raises `OptionError`."""
    try:
        scenario = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Scenario, strict=False)
    except msgspec.ValidationError as error:
        raise OptionError(f"scenario {path}: {error}{_wanted(str(error))}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"scenario {path}: {error}") from error
    known = tuple(venues)
    try:
        for event in scenario.event:
            check(event, {*known, *registered})
    except OptionError as error:
        raise OptionError(f"scenario {path}: {error}") from error
    kept = [event for event in scenario.event if {event.venue, event.against} <= {"", *known}]
    return msgspec.structs.replace(scenario, event=tuple(kept))


def _wanted(said: str) -> str:
    """What would have been right, where the decoder's words do not say it: its words end with the place."""
    place = said.rpartition("$")[2].rstrip("`")
    if "unknown field" in said:
        kinds: dict[str, type[msgspec.Struct]] = {".event": Event, ".expect": Expected}
        kind = kinds.get(place.partition("[")[0], Scenario)
        return f", expected one of {', '.join(field.encode_name for field in msgspec.structs.fields(kind))}"
    words = get_args(Event.__annotations__.get(place.rpartition(".")[2]))
    return f", expected one of {', '.join(word for word in words if word)}" if "enum" in said else ""


class Timeline:
    """Which events are on at a moment, in seconds since the start. Pure: time comes as an argument."""

    def __init__(self, scenario: Scenario) -> None:
        self._loop = scenario.loop_s
        self._fixed = scenario.event
        self._added: list[Event] = []

    def add(self, event: Event) -> None:
        """An event sent while running; its `at` is seconds since the start, and it takes no part in the loop."""
        self._added.append(event)

    def remove(self, kinds: Iterable[str]) -> None:
        """Takes added events of these kinds away; scripted ones stay."""
        gone = frozenset(kinds)
        self._added = [event for event in self._added if event.kind not in gone]

    def active(self, t: float) -> list[Event]:
        """The lasting events that are on at `t`, scripted first."""
        local = t % self._loop if self._loop > 0 else t
        on = [event for event in self._fixed if event.kind not in MOMENTS and lasts(event, local)]
        return on + [event for event in self._added if event.kind not in MOMENTS and lasts(event, t)]

    def absent(self, t: float) -> list[Event]:
        """`list` events whose time has not come: their instruments do not exist yet."""
        local = t % self._loop if self._loop > 0 else t
        return [event for event in self._fixed if event.kind == "list" and not lasts(event, local)]

    def moments(self, after: float, until: float) -> list[Event]:
        """The events of a moment with after < at <= until; a loop may turn over in between."""
        return [event for event in self._fixed if event.kind in MOMENTS and self._struck(event.at, after, until)] + [
            event for event in self._added if event.kind in MOMENTS and after < event.at <= until
        ]

    def _struck(self, at: float, after: float, until: float) -> bool:
        if self._loop <= 0:
            return after < at <= until
        turns = int((until - at) // self._loop)
        # where `until` is the very moment, the division may come out a turn short
        return any(turn >= 0 and after < at + turn * self._loop <= until for turn in (turns, turns + 1))


def lasts(event: Event, t: float) -> bool:
    return event.at <= t and (event.for_s is None or t < event.at + event.for_s)


def kinds() -> tuple[str, ...]:
    return tuple(kind for group in get_args(Kind) for kind in (get_args(group) or (group,)))
