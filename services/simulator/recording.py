"""Recorded sessions: reads the forms they come in and sorts their lines into topics and REST answers.

Lines read: `<epoch seconds>: <frame>`, `<url> <-> <time>` (connected), `<url> <- <time>: <text>` (sent by the client,
skipped), `<url> -> <time>: <body>` (a REST answer), and the product's own captures: JSON objects with `recv` in
nanoseconds and `conn` with `payload` (or `b64`), or `rest` with `body`.

Which topic a frame belongs to is said by its venue (recorded.py).
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.simulator.options import OptionError
from services.simulator.recorded import Answer, Frame, Params, posted, texts
from services.simulator.venues import VENUES

_FRAME = re.compile(r"(\d{9,11}(?:\.\d+)?): ?(.*)", re.DOTALL)
_CONNECT = re.compile(r"(wss?://\S+) <-> (\d+(?:\.\d+)?)")
_SENT = re.compile(r"(\S+) <- (\d+(?:\.\d+)?): ?(.*)", re.DOTALL)
_REPLY = re.compile(r"(https?://\S+) -> (\d+(?:\.\d+)?): ?(.*)", re.DOTALL)
#: a pause of the recording beyond this is taken for the end of one session and the start of another
SESSION_GAP_S = 3600.0


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


def venue_of(host: str, text: bytes) -> str | None:
    """Whose a frame is: by host, else by its form."""
    for name, venue in VENUES.items():
        if host in venue.hosts or name in host:
            return name
    return next((name for name, venue in VENUES.items() if venue.recorded.looks(text)), None)


def params_of(rest: Mapping[str, object]) -> Params:
    """What the product's own capture of an answer says was asked: `params`, and the JSON of a `body`."""
    asked, body = rest.get("params"), rest.get("body")
    params = texts(asked) if isinstance(asked, Mapping) else frozenset()
    if isinstance(body, Mapping):
        return params | texts(body)
    return params | posted(body.encode()) if isinstance(body, str) else params


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
            body = body if body is not None else str(keys.get("body", "")).encode()
            self._answer(recv / 1e9, "", str(rest.get("endpoint", "")), params_of(rest), body)
        else:
            body = body if body is not None else str(keys.get("payload", "")).encode()
            self._frame(recv / 1e9, str(keys.get("conn", "")), body)

    def _frame(self, at: float, host: str, text: bytes) -> None:
        venue = self._venue or venue_of(host, text)
        found = VENUES[venue].recorded.family(host, text) if venue is not None and venue in VENUES else None
        if venue is None or found is None:
            self.counts["no_data"] += 1
        else:
            self.counts["frames"] += 1
            self.frames.append(Frame(at, venue, *found))

    def _answer(self, at: float, host: str, path: str, params: Params, body: bytes) -> None:
        venue = self._venue or venue_of(host, b"")
        if venue is None:
            venue = next((name for name, each in VENUES.items() if each.recorded.rest(path)), None)
        if venue is None:
            self.counts["unplaced"] += 1
            return
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
