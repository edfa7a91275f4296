"""The rows of edgeX's frames and answers. Numbers and times are text; a field that does not apply is absent or null."""

from typing import Final

import msgspec

from services.collector.typed_rows import UNREADABLE

Text = str | None
ABSENT: Final = msgspec.Raw(b"")


class Frame(msgspec.Struct, gc=False):
    """Everything a frame of the socket may be. `time` is a ping's, to be sent back as it is."""

    type: str
    channel: str = ""
    content: msgspec.Raw = ABSENT
    time: msgspec.Raw = ABSENT


class Content(msgspec.Struct, gc=False):
    """What a push carries. `dataType` says whether it is the first; rows are whole in either case."""

    data: msgspec.Raw = ABSENT


class Error(msgspec.Struct, gc=False):
    code: Text = None
    msg: Text = None


class Body(msgspec.Struct, gc=False, rename="camel"):
    """A REST answer."""

    code: str
    data: msgspec.Raw = ABSENT
    msg: Text = None
    error_param: msgspec.Raw = ABSENT


class Best(msgspec.Struct, gc=False, rename="camel"):
    """A row of `bookTicker`."""

    contract_id: str
    time: Text = None
    best_bid_price: Text = None
    best_bid_size: Text = None
    best_ask_price: Text = None
    best_ask_size: Text = None


class Ticker(msgspec.Struct, gc=False, rename="camel"):
    """A row of `ticker`, and of REST `getTicker`. Its best prices come without sizes and are not read."""

    contract_id: str
    last_price: Text = None
    size: Text = None
    value: Text = None
    open_interest: Text = None
    mark_price: Text = None
    oracle_price: Text = None
    index_price: Text = None
    funding_rate: Text = None
    funding_time: Text = None
    next_funding_time: Text = None


class Level(msgspec.Struct, gc=False):
    price: str
    size: str


class Depth(msgspec.Struct, gc=False, rename="camel"):
    """A book, of REST `getDepth`."""

    contract_id: str
    asks: list[Level]
    bids: list[Level]
    depth_type: Text = None


class Paid(msgspec.Struct, gc=False, rename="camel"):
    """A row of REST `getFundingRatePage`: a payment, or a minute between two."""

    contract_id: str
    funding_time: Text = None
    funding_rate: Text = None
    is_settlement: bool = False
    funding_rate_interval_min: Text = None
    mark_price: Text = None
    oracle_price: Text = None


class Page(msgspec.Struct, gc=False, rename="camel"):
    data_list: msgspec.Raw = ABSENT


class Named(msgspec.Struct, gc=False, rename="camel"):
    """As much of a row as names its contract."""

    contract_id: str | int = ""


_named: Final = msgspec.json.Decoder(Named)


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The contract that a row names, however broken the rest of it is."""
    try:
        return str(_named.decode(raw).contract_id) or None
    except UNREADABLE:
        return None
