"""Bytes on the wire: HTTP/1.1 requests and answers, and WebSocket frames of a server (never masked)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
MAX_HEAD = 65_536
MAX_BODY = 1 << 20


class BadRequest(ValueError):
    """Bytes that are no HTTP request that this server reads."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One unfragmented WebSocket frame around `payload`."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


def payload_of(framed: bytes) -> bytes:
    """The payload of a frame made by `frame`."""
    return framed[{126: 4, 127: 10}.get(framed[1], 2) :]


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(code.to_bytes(2, "big") + reason.encode()[:123], CLOSE)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: `host` is the first path segment (the real host it is meant for), `path` the rest."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    raw: bytes = b""

    @property
    def upgrades(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer with a JSON body."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Content-Length: {len(self.body)}"]
        if "Content-Type" not in self.headers:
            lines.append("Content-Type: application/json;charset=UTF-8")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(msgspec.json.encode(value), status, headers or {})


def take_request(buffer: bytearray) -> Request | None:
    """The first whole request in the buffer, removed from it; None while it is not all there. Raises `BadRequest`."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise BadRequest("head too long")
        return None
    head = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    parts = head[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(head[0])
    headers = {}
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(line)
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY:
        raise BadRequest(f"content-length {length}")
    whole = end + 4 + int(length)
    if len(buffer) < whole:
        return None
    raw = bytes(buffer[:whole])
    del buffer[:whole]
    target = urlsplit(parts[1])
    _, _, rest = target.path.partition("/")
    host, _, path = rest.partition("/")
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    return Request(parts[0], unquote(host), "/" + unquote(path), query, headers, raw[end + 4 :], raw[: end + 4])


def glob(pattern: str, *names: str) -> bool:
    """Whether any of the names fits the shell-style pattern."""
    return any(fnmatchcase(name, pattern) for name in names)
