"""The Redis protocol (RESP 2) without a socket: commands to bytes, bytes to replies. Pure."""

from typing import Final, TypeAlias

PLUS, MINUS, COLON, DOLLAR, STAR = b"+-:$*"
CRLF: Final = b"\r\n"
#: Redis's own bound of a string, and what no server's line or nesting comes near.
MAX_BULK: Final = 512 << 20
MAX_LINE: Final = 64 << 10
MAX_DEPTH: Final = 64


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


class Parser:
    """Replies out of a stream of bytes that may be cut anywhere, in time that grows with the bytes alone.

    Theory of operation. What is complete of an array stays in `_open`, so only the item that was cut is kept as bytes.
    Pieces of it are collected, unread, until its length is there, or the end of its line, and joined once.
    """

    def __init__(self) -> None:
        #: the arrays that are not complete, the outer first: (items, how many there will be)
        self._open: list[tuple[list[Reply], int]] = []
        self._pieces: list[bytes] = []
        self._held = 0
        #: how many bytes the item that was cut has; 0: its line is not complete
        self._needed = 0

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes, in order. Raises `ProtocolError` on what is no RESP 2."""
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed or (not self._needed and b"\n" not in data and self._held <= MAX_LINE):
                return []
            data = b"".join(self._pieces)
            self._pieces.clear()
        return self._read(data)

    def _read(self, data: bytes) -> list[Reply]:
        replies: list[Reply] = []
        arrays, find = self._open, data.find
        at, end = 0, len(data)
        while at < end:
            stop = find(CRLF, at)
            if stop < 0:
                self._keep(data[at:], 0)
                break
            kind, after = data[at], stop + 2
            reply: Reply
            if kind == DOLLAR:
                size = _integer(data[at + 1 : stop])
                stop = after + size
                if size < 0:
                    reply = None
                elif size > MAX_BULK:
                    raise ProtocolError(f"a string of {size} bytes")
                elif end < stop + 2:
                    self._keep(data[at:], stop + 2 - at)
                    break
                else:
                    reply, after = data[after:stop], stop + 2
            elif kind == STAR:
                count = _integer(data[at + 1 : stop])
                if count > 0:
                    if len(arrays) == MAX_DEPTH:
                        raise ProtocolError(f"arrays nested more than {MAX_DEPTH} deep")
                    arrays.append(([], count))
                    at = after
                    continue
                reply = None if count < 0 else []
            else:
                reply = _line(kind, data[at + 1 : stop])
            at = after
            while arrays:
                items, count = arrays[-1]
                items.append(reply)
                if len(items) < count:
                    break
                arrays.pop()
                reply = items
            else:
                replies.append(reply)
        return replies

    def _keep(self, rest: bytes, needed: int) -> None:
        if not needed and len(rest) > MAX_LINE:
            raise _too_long(rest)
        self._pieces.append(rest)
        self._held, self._needed = len(rest), needed


def _too_long(line: bytes) -> ProtocolError:
    return ProtocolError(f"a line of more than {MAX_LINE} bytes: {line[:32]!r}")


def _line(kind: int, text: bytes) -> Reply:
    """A reply that is one line."""
    if len(text) > MAX_LINE:
        raise _too_long(text)
    if kind == COLON:
        return _integer(text)
    if kind == PLUS:
        return text
    if kind == MINUS:
        return ReplyError(text.decode(errors="replace"))
    raise ProtocolError(f"not a reply: {bytes((kind,)) + text[:32]!r}")


def _integer(text: bytes) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ProtocolError(f"not a length: {text[:32]!r}") from error
