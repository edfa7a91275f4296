"""Recorded sessions: reads the forms they come in and sorts their lines into topics and REST answers.

Lines read: `<epoch seconds>: <frame>`, `<url> <-> <time>` (connected), `<url> <- <time>: <text>` (sent by the client,
skipped), `<url> -> <time>: <body>` (a REST answer), and the product's own captures: JSON objects with `recv` in
nanoseconds and `conn` with `payload` (or `b64`), or `rest` with `body`.

A frame belongs to a *family*: what a client subscribes to, without the pace that it asks for (`depth@100ms` and
`depth@500ms` of a symbol are one family, as are `markPrice` and `markPrice@1s`).
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.simulator.options import OptionError

_FRAME = re.compile(r"(\d{9,11}(?:\.\d+)?): ?(.*)", re.DOTALL)
_CONNECT = re.compile(r"(wss?://\S+) <-> (\d+(?:\.\d+)?)")
_SENT = re.compile(r"(\S+) <- (\d+(?:\.\d+)?): ?(.*)", re.DOTALL)
_REPLY = re.compile(r"(https?://\S+) -> (\d+(?:\.\d+)?): ?(.*)", re.DOTALL)
_PACE = re.compile(r"@(?:\d+ms|1s)$")
#: a pause of the recording beyond this is taken for the end of one session and the start of another
SESSION_GAP_S = 3600.0

Params = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Frame:
    """One recorded frame: `at` seconds after its session's start, and the payload a client of its family gets."""

    at: float
    venue: str
    family: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded REST answer."""

    at: float
    venue: str
    host: str
    path: str
    params: Params
    body: bytes


@dataclass(slots=True)
class Recording:
    """All files together, in order of time. `counts`: lines by what became of them."""

    frames: list[Frame] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def length_s(self) -> float:
        return self.frames[-1].at if self.frames else 0.0

    def venues(self) -> set[str]:
        return {frame.venue for frame in self.frames} | {answer.venue for answer in self.answers}


class Wrapped(msgspec.Struct):
    """A combined frame."""

    stream: str
    data: msgspec.Raw


class Plain(msgspec.Struct):
    """What names the stream of a raw frame."""

    s: str | None = None
    e: str | None = None
    u: int | None = None
    pu: int | None = None
    nq: str | None = None
    M: bool | None = None
    o: msgspec.Raw | None = None


class Arg(msgspec.Struct):
    channel: str
    instId: str = ""  # noqa: N815 - the venue's name
    instType: str = ""  # noqa: N815 - the venue's name


class Pushed(msgspec.Struct):
    """A data frame with its argument; acknowledgements have no `data`."""

    arg: Arg
    data: msgspec.Raw


def family_of_stream(market: str, name: str) -> str:
    """The family of a stream name in `spot` or `futures`."""
    return f"{market}/{_PACE.sub('', name)}"


def family_of_arg(channel: str, target: str) -> str:
    return f"{channel}:{target}"


def market_of(host: str, sample: Plain | None) -> str:
    """`spot` or `futures`, by the host where the recording names it, else by fields that only one has."""
    if host.startswith(("fstream", "perp_")):
        return "futures"
    if host.startswith(("stream", "data-stream", "spot")):
        return "spot"
    futures = sample is not None and sample.M is None and sample.e is not None
    if futures and sample is not None and sample.e == "depthUpdate":
        futures = sample.pu is not None
    return "futures" if futures else "spot"


def binance_family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data or does not say what it is of."""
    try:
        wrapped = msgspec.json.decode(text, type=Wrapped)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return raw_family(host, text)
    data = bytes(wrapped.data)
    return family_of_stream(market_of(host, sample_of(data)), wrapped.stream), data


def sample_of(data: bytes) -> Plain | None:
    try:
        return msgspec.json.decode(data, type=Plain)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def raw_family(host: str, data: bytes) -> tuple[str, bytes] | None:
    """A frame without its stream's name."""
    if data[:1] == b"[":
        name = next((n for e, n in ARRAYS.items() if f'"e":"{e}"'.encode() in data[:400]), None)
        return None if name is None else (family_of_stream(market_of(host, None), name), data)
    sample = sample_of(data)
    if sample is None:
        return None
    if sample.e == "forceOrder":
        return family_of_stream("futures", "!forceOrder@arr"), data
    channel = EVENTS.get(sample.e or "bookTicker")
    if sample.s is None or channel is None or (sample.e is None and sample.u is None):
        return None
    return family_of_stream(market_of(host, sample), f"{sample.s.lower()}@{channel}"), data


ARRAYS = {"markPriceUpdate": "!markPrice@arr", "24hrMiniTicker": "!miniTicker@arr", "24hrTicker": "!ticker@arr"}
EVENTS = {
    "bookTicker": "bookTicker",
    "depthUpdate": "depth",
    "aggTrade": "aggTrade",
    "trade": "trade",
    "markPriceUpdate": "markPrice",
    "24hrTicker": "ticker",
    "24hrMiniTicker": "miniTicker",
}


def okx_family(host: str, text: bytes) -> tuple[str, bytes] | None:
    del host  # the argument says it all
    try:
        pushed = msgspec.json.decode(text, type=Pushed)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return family_of_arg(pushed.arg.channel, pushed.arg.instId or pushed.arg.instType), text


FAMILIES = {"binance": binance_family, "okx": okx_family}


def venue_of(host: str, text: bytes) -> str | None:
    """Whose a frame is: by host, else by its form."""
    for venue in FAMILIES:
        if venue in host:
            return venue
    if b'"arg"' in text[:200] or b'"event":' in text[:20]:
        return "okx"
    return "binance" if any(mark in text[:200] for mark in (b'"stream"', b'"e":', b'"u":')) else None


class Reader:
    """Reads one file into frames and answers with absolute times, in seconds."""

    def __init__(self, recording: Recording) -> None:
        self.counts = recording.counts
        self.frames: list[Frame] = []
        self.answers: list[Answer] = []
        self._host = ""
        self._venue: str | None = None

    def line(self, text: str) -> None:
        if not text.strip():
            self.counts["blank"] += 1
        elif text.startswith("{"):
            self._object(text)
        elif found := _FRAME.fullmatch(text):
            self._frame(float(found[1]), self._host, found[2].encode())
        elif found := _CONNECT.match(text):
            self._host = urlsplit(found[1]).hostname or ""
            self.counts["connect"] += 1
        elif found := _REPLY.fullmatch(text):
            url = urlsplit(found[1])
            params = frozenset(parse_qsl(url.query, keep_blank_values=True))
            self._answer(float(found[2]), url.hostname or "", url.path, params, found[3].encode())
        elif _SENT.fullmatch(text) or text.startswith("configuration:"):
            self.counts["client"] += 1
        else:
            self.counts["unreadable"] += 1

    def _object(self, text: str) -> None:
        """A line of the product's own captures."""
        try:
            keys: dict[str, object] = msgspec.json.decode(text, type=dict[str, object])
            body = base64.b64decode(str(keys["b64"])) if "b64" in keys else None
        except (msgspec.DecodeError, msgspec.ValidationError, binascii.Error):
            self.counts["unreadable"] += 1
            return
        if "capture" in keys:
            self._venue = str(keys.get("venue", ""))
            self.counts["header"] += 1
            return
        recv = keys.get("recv")
        if not isinstance(recv, int):
            self.counts["without_time"] += 1
            return
        rest = keys.get("rest")
        if isinstance(rest, Mapping):
            asked = rest.get("params") or {}
            params = frozenset((str(name), str(value)) for name, value in asked.items())
            body = body if body is not None else str(keys.get("body", "")).encode()
            self._answer(recv / 1e9, "", str(rest.get("endpoint", "")), params, body)
        else:
            body = body if body is not None else str(keys.get("payload", "")).encode()
            self._frame(recv / 1e9, str(keys.get("conn", "")), body)

    def _frame(self, at: float, host: str, text: bytes) -> None:
        venue = self._venue or venue_of(host, text)
        found = FAMILIES[venue](host, text) if venue in FAMILIES else None
        if venue is None or found is None:
            self.counts["no_data"] += 1
        else:
            self.counts["frames"] += 1
            self.frames.append(Frame(at, venue, *found))

    def _answer(self, at: float, host: str, path: str, params: Params, body: bytes) -> None:
        venue = self._venue or venue_of(host, b"")
        if venue is None:
            venue = "okx" if path.startswith("/api/v5/") else "binance"
        self.counts["answers"] += 1
        self.answers.append(Answer(at, venue, host, path, params, body))


def load(paths: Sequence[Path]) -> Recording:
    """Reads the files. Those that overlap in time keep their distance; separate sessions all start together.

    Raises `OptionError` for a file that cannot be read or that holds neither a frame nor an answer.
    """
    recording = Recording()
    files = [read(path, recording) for path in paths]
    starts = sessions(files)
    for file, start in zip(files, starts, strict=True):
        recording.frames += [shifted(frame, start) for frame in file.frames]
        recording.answers += [Answer(a.at - start, a.venue, a.host, a.path, a.params, a.body) for a in file.answers]
    recording.frames.sort(key=lambda frame: frame.at)
    recording.answers.sort(key=lambda answer: answer.at)
    return recording


def shifted(frame: Frame, start: float) -> Frame:
    return Frame(frame.at - start, frame.venue, frame.family, frame.payload)


def read(path: Path, recording: Recording) -> Reader:
    reader = Reader(recording)
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                reader.line(line.rstrip("\r\n"))
    except OSError as error:
        raise OptionError(f"recording {path}: {error.strerror}") from error
    if not reader.frames and not reader.answers:
        raise OptionError(f"recording {path}: holds no frame and no REST answer")
    return reader


def sessions(files: Sequence[Reader]) -> list[float]:
    """For each file the start of the session it belongs to: that of its first frame (what was asked comes before)."""
    times = [[one.at for one in file.frames] + [one.at for one in file.answers] for file in files]
    groups: list[list[int]] = []
    end = float("-inf")
    for number in sorted(range(len(files)), key=lambda n: min(times[n])):
        if min(times[number]) > end + SESSION_GAP_S:
            groups.append([])
        groups[-1].append(number)
        end = max(end, *times[number])
    starts = [0.0] * len(files)
    for group in groups:
        firsts = [frame.at for number in group for frame in files[number].frames]
        start = min(firsts or [at for number in group for at in times[number]])
        for number in group:
            starts[number] = start
    return starts


def natives(frames: Iterable[Frame]) -> set[tuple[str, str, str]]:
    """(venue, market, native id) of everything the frames are of, as far as their families say."""
    found = set()
    for frame in frames:
        if frame.venue == "binance":
            market, _, name = frame.family.partition("/")
            if not name.startswith("!"):
                found.add(("binance", market, name.partition("@")[0].upper()))
        else:
            found.add((frame.venue, "", frame.family.partition(":")[2]))
    return found
