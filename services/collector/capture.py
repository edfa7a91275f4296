"""Raw frames to and from files.

What is recorded, one JSON object a line:

    {"capture": 1, "venue": "NAME", "schema": "v1"}                                           first line
    {"recv": 1652459225503749100, "conn": "public/1", "payload": "{\\"arg\\": ...}"}             a text frame
    {"recv": 1652459225503749100, "conn": "public/1", "b64": "gqFh..."}                        a binary frame
    {"recv": 1652459225503749100, "rest": {"endpoint": "/api/...", "params": {}}, "body": "..."}  a REST answer

`recv` is nanoseconds, `conn` the socket endpoint's name, a slash and what tells this connection from all others of the
session: a decoder's state lives as long as its label.

What is read is more (`read_files`): these lines; a frame's text as it is; a wrapper with the frame in `payload`, `msg`
or `hex`; the lines of recorded sessions of another form, `<epoch seconds>: <frame>`, `<url> <-> <time>` (connected),
`<url> <- <time>: <text>` (sent), `<url> -> <time>: <body>` (a REST answer); a `response` beside the `_request` that it
answers; transcripts of a client's tests (`transcript.py`); and a file that is one JSON value.
"""

import heapq
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.collector.transcript import parts
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request

FORMAT: Final = 1
Skipped = Literal["blank", "client", "connect", "header"]

_FRAME_LINE: Final = re.compile(rb"(\d{9,19}(?:\.\d+)?): ?(.*)", re.DOTALL)
_CONNECT_LINE: Final = re.compile(rb"(\S+) <-> (\d+(?:\.\d+)?)\s*")
_SENT_LINE: Final = re.compile(rb"(\S+) <- (\d+(?:\.\d+)?): ?(.*)", re.DOTALL)
_REPLY_LINE: Final = re.compile(rb"(\S+) -> (\d+(?:\.\d+)?): ?(.*)", re.DOTALL)
_DIGITS: Final = re.compile(rb"\d{1,19}(?:\.\d+)?")
_CONFIGURATION: Final = b"configuration: "
#: a wrapper's receive time, and keys that say that `msg` is a text of the venue's own
_TIMES: Final = ("recv", "recv_ns", "received", "received_ns")
_ANSWERS: Final = frozenset({"code", "data", "error", "event", "id", "op", "result", "status", "success", "type"})

#: one answer of a recorded route
_ROUTE: Final = frozenset({"queryString", "data"})
#: a recorded answer beside the JSON object that it was asked for with
_EXCHANGE: Final = frozenset({"_request", "response"})
#: a client's test (transcript.py)
_TRANSCRIPT: Final = frozenset({"file", "text"})

_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_text: Final = msgspec.json.Decoder(str)


@dataclass(frozen=True, slots=True)
class Captured:
    """One line of a file: a frame or REST answer, or a line that is none, with the reason it was skipped for.

    `line` counts from 1 (elements where the file is one JSON array). `conn` is the connection's label or address.
    `alone` marks a file that is one JSON array: a whole body, or frames. `damaged`: the line is a wrapper whose frame
    cannot be taken out of it, and `frame` is all of it.
    """

    line: int
    frame: bytes = b""
    recv: int | None = None
    conn: str | None = None
    request: Request | None = None
    skipped: Skipped | None = None
    file: str = ""
    alone: bool = False
    damaged: bool = False


class Unrecorded(ValueError):
    """A recording cannot go on: the file is full, with its size and limit."""


class Writer:
    """Appends a session to one file, at most `max_bytes` of it. Writing goes through the file's buffer."""

    def __init__(self, path: Path, venue: str, schema: str, max_bytes: int = 1 << 30) -> None:
        self._file: IO[bytes] = path.open("ab")
        self._left = max_bytes - self._file.tell()
        self._limit = max_bytes
        self.frames = 0
        if self._file.tell() == 0:
            self._put({"capture": FORMAT, "venue": venue, "schema": schema})

    def frame(self, recv: int, conn: str, frame: bytes) -> None:
        """Raises `Unrecorded` when the file would grow beyond its limit."""
        try:
            self._put({"recv": recv, "conn": conn, "payload": frame.decode()})
        except UnicodeDecodeError:
            self._put({"recv": recv, "conn": conn, "b64": b64encode(frame).decode()})
        self.frames += 1

    def rest(self, recv: int, request: Request, body: bytes) -> None:
        """Raises `Unrecorded` when the file would grow beyond its limit."""
        asked = {"endpoint": request.endpoint, "params": dict(request.params)}
        try:
            self._put({"recv": recv, "rest": asked, "body": body.decode()})
        except UnicodeDecodeError:
            self._put({"recv": recv, "rest": asked, "b64": b64encode(body).decode()})
        self.frames += 1

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _put(self, line: Mapping[str, object]) -> None:
        data = msgspec.json.encode(line) + b"\n"
        if len(data) > self._left:
            raise Unrecorded(f"the recording has reached its limit of {self._limit} bytes after {self.frames} frames")
        self._file.write(data)
        self._left -= len(data)


def read_files(paths: Sequence[str], standard_input: IO[bytes]) -> Iterator[Captured]:
    """Every line of the files ("-": standard input), merged by receive time where they have one, else in order.

    A file keeps its own order. A line without a time goes with the one before it; a file without any keeps its place
    before or after those that have. Raises `OSError` for a file that cannot be read.
    """
    streams: list[Iterable[tuple[int, int, int, Captured]]] = []
    timed = False
    for number, path in enumerate(paths):
        handle = standard_input if path == "-" else Path(path).open("rb")  # noqa: SIM115 - read() closes it
        first, lines = _first_time(read(handle, path))
        timed = timed or first is not None
        start = first if first is not None else (1 << 63 if timed else -1)
        streams.append(_keyed(lines, number, start))
    return (captured for *_, captured in heapq.merge(*streams, key=lambda keyed: keyed[:3]))


def read(handle: IO[bytes], name: str = "") -> Iterator[Captured]:
    """The lines of one file, in order; a file that is one JSON value is one of them, or its elements."""
    with handle:
        first = handle.readline()
        start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
        if start[:1] in (b"{", b"["):
            if not _is_json(start):
                data = start + handle.read()
                yield from _whole(data, name) if _is_json(data) else _lines(data.splitlines(), name)
                return
            second = handle.readline()
            if start[:1] == b"[" and not second.strip():
                data = start + second + handle.read()
                yield from _whole(data, name) if _is_json(data) else _lines(data.splitlines(), name)
                return
            yield from _lines(_chain((first, second), handle), name)
            return
        yield from _lines(_chain((first,), handle), name)


def elements(captured: Captured) -> Iterator[Captured]:
    """The elements of a file that is one JSON array, each as the line it would be."""
    for number, raw in enumerate(_array.decode(captured.frame), 1):
        for one in _transcript(bytes(raw), number) or (parse(bytes(raw), number),):
            yield replace(one, file=captured.file)


def _transcript(element: bytes, number: int) -> list[Captured]:
    """The frames and answers of a client's test; none of any other element."""
    try:
        keys = _object.decode(element)
    except UNREADABLE:
        return []
    if keys.keys() != _TRANSCRIPT:
        return []
    found: list[Captured] = []
    for part in parts(_unquoted(bytes(keys["text"])).decode()):
        request = request_of(part.path, part.params) if part.path else None
        skipped: Skipped | None = "client" if part.sent else None
        found.append(Captured(number, part.text.encode(), request=request, skipped=skipped))
    return found


def _whole(data: bytes, name: str) -> Iterator[Captured]:
    alone = data.lstrip()[:1] == b"["
    one = Captured(1, data.strip(), alone=True) if alone else parse(data.strip(), 1)
    yield replace(one, file=name)


def _chain(head: Iterable[bytes], rest: Iterable[bytes]) -> Iterator[bytes]:
    """Lines read already and those after them; what was read at the end of the file is none."""
    yield from filter(None, head)
    yield from rest


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except UNREADABLE:
        return False
    return True


def _lines(lines: Iterable[bytes], name: str) -> Iterator[Captured]:
    """Lines of any form; a frame is of the connection that the file opened last, unless its line names one."""
    conn: str | None = None
    for number, line in enumerate(lines, 1):
        one = parse(line, number)
        if one.skipped == "connect":
            conn = one.conn
        yield replace(one, file=name, conn=one.conn or conn)


def parse(line: bytes, number: int) -> Captured:
    """One line of any form. Never raises: a line of no known form is a frame's text."""
    line = line.strip(b"\r\n \t\xef\xbb\xbf" if number == 1 else b"\r\n \t")
    if not line:
        return Captured(number, skipped="blank")
    if line[:1] == b"{":
        return _json_line(line, number)
    if line[:1] == b'"':
        return Captured(number, _unquoted(line))
    if found := _FRAME_LINE.fullmatch(line):
        return replace(_timed(found[2], number), recv=instant(found[1]))
    if found := _CONNECT_LINE.fullmatch(line):
        return Captured(number, recv=seconds(found[2]), conn=_address(found[1]), skipped="connect")
    if found := _SENT_LINE.fullmatch(line):
        return Captured(number, found[3], seconds(found[2]), _address(found[1]), skipped="client")
    if found := _REPLY_LINE.fullmatch(line):
        return _reply(found[1], found[2], found[3], number)
    if line.startswith(_CONFIGURATION):
        return Captured(number, line, skipped="header")
    return Captured(number, line)


def _timed(text: bytes, number: int) -> Captured:
    """What follows a receive time: the frame's text, or one of the forms that a frame's text cannot have."""
    if text.startswith((b'{"b64"', b'{"rest"')):
        return _json_line(text, number)
    return Captured(number, text)


def seconds(text: bytes) -> int:
    """Seconds with any decimals, in text, to nanoseconds, exact (what is beyond the ninth decimal is cut)."""
    whole, _, fraction = text.partition(b".")
    return int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))


def instant(text: bytes) -> int:
    """A time since the epoch of which the number of digits tells the unit, seconds to nanoseconds, to nanoseconds."""
    whole, _, fraction = text.partition(b".")
    digits = len(whole)
    unit = 9 if digits <= 11 else 6 if digits <= 14 else 3 if digits <= 17 else 0
    return int(whole + fraction[:unit].ljust(unit, b"0"))


def request_of(address: str, params: Mapping[str, str] | None = None) -> Request:
    """A request from a path or whole address, with or without a query."""
    parts = urlsplit(address.removeprefix("GET ").removeprefix("POST ").strip())
    path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    return Request(path, {**dict(parse_qsl(parts.query, keep_blank_values=True)), **(params or {})})


def _address(url: bytes) -> str:
    return url.decode(errors="replace")


def _reply(url: bytes, time: bytes, body: bytes, number: int) -> Captured:
    address = _address(url)
    if address.startswith(("ws:", "wss:")):
        return Captured(number, body, seconds(time), address)
    return Captured(number, body, seconds(time), request=request_of(address))


def _json_line(line: bytes, number: int) -> Captured:
    """An object: one of our own lines, a wrapper, or the frame itself."""
    try:
        keys = _object.decode(line)
    except UNREADABLE:
        return Captured(number, line)
    if "capture" in keys and "venue" in keys:
        return Captured(number, line, skipped="header")
    recv = next((time for key in _TIMES if key in keys and (time := _time(keys[key])) is not None), None)
    conn = _unquoted(bytes(keys["conn"])).decode() if "conn" in keys else None
    if "rest" in keys and ("body" in keys or "b64" in keys):
        request = _request(bytes(keys["rest"]))
        body = _binary(keys["b64"]) if "b64" in keys else _unquoted(bytes(keys["body"]))
        return _unwrapped(number, line, None if request is None else body, recv, conn, request)
    if "b64" in keys:
        return _unwrapped(number, line, _binary(keys["b64"]), recv, conn)
    if "hex" in keys:
        return _unwrapped(number, line, _from_hex(bytes(keys["hex"])), recv, conn)
    if "payload" in keys:
        return Captured(number, _unquoted(bytes(keys["payload"])), recv, conn)
    if keys.keys() >= _EXCHANGE and bytes(keys["_request"])[:1] == b"{":
        params = {name: _unquoted(bytes(value)).decode() for name, value in _object.decode(keys["_request"]).items()}
        return Captured(number, _unquoted(bytes(keys["response"])), recv, conn, Request("", params))
    if keys.keys() == _ROUTE:
        return Captured(number, bytes(keys["data"]), recv, conn)
    if "msg" in keys and (bytes(keys["msg"])[:1] in (b"{", b"[") or not _ANSWERS & keys.keys()):
        return Captured(number, _unquoted(bytes(keys["msg"])), recv, conn)
    return Captured(number, line)


def _unwrapped(
    number: int, line: bytes, frame: bytes | None, recv: int | None, conn: str | None, request: Request | None = None
) -> Captured:
    """What a wrapper holds. None: nothing that can be taken out of it."""
    if frame is None:
        return Captured(number, line, recv, conn, damaged=True)
    return Captured(number, frame, recv, conn, request)


def _unquoted(raw: bytes) -> bytes:
    """The text of a JSON string; any other value as it is."""
    if raw[:1] != b'"':
        return raw
    try:
        return _text.decode(raw).encode()
    except (*UNREADABLE, UnicodeEncodeError):
        return raw


def _from_hex(raw: bytes) -> bytes | None:
    try:
        return bytes.fromhex(_unquoted(raw).decode().removeprefix("0x")) if raw[:1] == b'"' else None
    except ValueError:
        return None


def _binary(raw: msgspec.Raw) -> bytes | None:
    try:
        return b64decode(_unquoted(bytes(raw)), validate=True)
    except (NotBase64, ValueError):
        return None


def _request(raw: bytes) -> Request | None:
    """`{"endpoint": "/path", "params": {"name": text or number}}`, or the endpoint's text alone."""
    if raw[:1] == b'"':
        return request_of(_unquoted(raw).decode())
    try:
        keys = _object.decode(raw)
        params = _object.decode(keys["params"]) if "params" in keys and bytes(keys["params"])[:1] == b"{" else {}
        endpoint = _text.decode(keys["endpoint"])
    except (*UNREADABLE, KeyError):
        return None
    return request_of(endpoint, {name: _unquoted(bytes(value)).decode() for name, value in params.items()})


def _time(raw: msgspec.Raw) -> int | None:
    text = _unquoted(bytes(raw))
    return instant(text) if _DIGITS.fullmatch(text) else None


def _first_time(lines: Iterator[Captured]) -> tuple[int | None, Iterator[Captured]]:
    """The first receive time among the first lines of a file, and all its lines."""
    head: list[Captured] = []
    for one in lines:
        head.append(one)
        if one.recv is not None or len(head) == 1000:
            break
    return (head[-1].recv if head else None), _again(head, lines)


def _again(head: list[Captured], rest: Iterator[Captured]) -> Iterator[Captured]:
    yield from head
    yield from rest


def _keyed(lines: Iterable[Captured], file: int, start: int) -> Iterator[tuple[int, int, int, Captured]]:
    """Lines with what they are merged by: the latest receive time so far, the file, the place in it."""
    latest = start
    for place, one in enumerate(lines):
        if one.recv is not None and one.recv > latest:
            latest = one.recv
        yield latest, file, place, one
