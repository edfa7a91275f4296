"""The Redis protocol (RESP 2) without a socket: commands to bytes, bytes to replies. Pure."""

from typing import Final, TypeAlias

PLUS, MINUS, COLON, DOLLAR, STAR = b"+-:$*"
CRLF: Final = b"\r\n"


class ReplyError(Exception):
    """An error reply. `code` is its first word: OOM, LOADING, WRONGTYPE, ERR and so on."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]


class ProtocolError(Exception):
    """Bytes that are no RESP 2: the peer is not a Redis."""


#: What Redis answers: strings as bytes, integers, nil as None, errors as values, arrays as lists.
Reply: TypeAlias = "bytes | int | ReplyError | list[Reply] | None"


def command(*parts: bytes | str | int) -> bytes:
    """One command as bytes."""
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        out.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(out)


class _Incomplete(Exception):
    """More bytes are needed to complete the reply at hand."""


class Parser:
    """Replies out of a stream of bytes that may be cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes, in order. Raises `ProtocolError` on what is no RESP 2."""
        if self._rest:
            data = self._rest + data
        replies: list[Reply] = []
        at, end = 0, len(data)
        try:
            while at < end:
                reply, at = _read(data, at)
                replies.append(reply)
        except _Incomplete:
            pass
        self._rest = data[at:]
        return replies


def _read(data: bytes, at: int) -> tuple[Reply, int]:
    """The reply that starts at `at` and the offset behind it."""
    stop = data.find(CRLF, at)
    if stop < 0:
        raise _Incomplete
    kind, after = data[at], stop + 2
    if kind == DOLLAR:
        size = _integer(data[at + 1 : stop])
        if size < 0:
            return None, after
        if len(data) < after + size + 2:
            raise _Incomplete
        return data[after : after + size], after + size + 2
    if kind == COLON:
        return _integer(data[at + 1 : stop]), after
    if kind == PLUS:
        return data[at + 1 : stop], after
    if kind == MINUS:
        return ReplyError(data[at + 1 : stop].decode(errors="replace")), after
    if kind == STAR:
        return _read_array(data, _integer(data[at + 1 : stop]), after)
    raise ProtocolError(f"not a reply: {data[at : at + 32]!r}")


def _read_array(data: bytes, count: int, at: int) -> tuple[Reply, int]:
    if count < 0:
        return None, at
    items: list[Reply] = []
    for _ in range(count):
        item, at = _read(data, at)
        items.append(item)
    return items, at


def _integer(text: bytes) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ProtocolError(f"not a length: {text[:32]!r}") from error
