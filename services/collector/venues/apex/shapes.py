"""The typed forms of frames and rows. Prices, sizes and rates are text, numbers of changes and times are not."""

import msgspec


class BookData(msgspec.Struct, gc=False):
    """A book or the changes of one. A side of nothing is an empty list, or null. `u` counts the changes."""

    s: str
    b: list[tuple[str, str]] | None
    a: list[tuple[str, str]] | None
    u: int


class BookFrame(msgspec.Struct, gc=False):
    """The hot one: a whole frame of a book's topic."""

    topic: str
    type: str
    data: BookData
    ts: int | None = None


class InfoFrame(msgspec.Struct, gc=False):
    """A frame of `instrumentInfo`: the fields of one instrument, or rows of them."""

    topic: str
    type: str
    data: msgspec.Raw
    ts: int | None = None


class Asked(msgspec.Struct, frozen=True, gc=False):
    """The request that an answer repeats."""

    op: str = ""
    args: list[str] | None = None


class Answered(msgspec.Struct, gc=False):
    """What a request over the socket was answered with."""

    success: bool
    ret_msg: str | None = None
    request: Asked = Asked()


class Paid(msgspec.Struct, gc=False, rename="camel"):
    """One row of `history-funding`, whose symbol is spelled with a dash."""

    symbol: str
    rate: str
    funding_timestamp: int


class Failed(msgspec.Struct, gc=False):
    """A REST call that was refused."""

    code: int | str
    msg: str | None = None


class Named(msgspec.Struct, gc=False):
    """As much of a row as names it."""

    s: str | None = None
    symbol: str | None = None
