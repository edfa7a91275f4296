"""Hyperliquid's listing: `allPerpMetas` (every perpetual of every exchange on it), `spotMeta`, and what tells more.

A perpetual's native id is its name, as sockets want it: `BTC` on the first exchange, `xyz:TSLA` on one that somebody
built upon it: that exchange's name, a colon, the coin. This is the venue's documented form, and no other field gives
the coin. A spot pair's is `@107`, or `PURR/USDC`, and says nothing: its tokens are looked up.

Contexts come without names and are joined by position; a perpetual's place is its alias, `[0]` or `xyz[3]`.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Final, TypeVar

import msgspec

from services.collector import naming
from services.collector.normalise import EXACT, plain
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Unreadable
from services.collector.venues.hyperliquid.names import COLLATERAL, PERPS, TOKENS
from shared.instruments import Category, Instrument, Status, unified_symbol

NAME: Final = "hyperliquid"
#: the listing calls
PERP_METAS: Final = "perps"
SPOT_META: Final = "spot"
SPOT_CONTEXTS: Final = "spot_contexts"
CATEGORIES: Final = "categories"

#: a price has at most so many decimals less those of the size, and five significant digits
PERP_DECIMALS: Final = 6
SPOT_DECIMALS: Final = 8
MIN_NOTIONAL: Final = "10"
#: a rate above this is cut, on the first exchange
FUNDING_CAP: Final = "0.04"
INTERVAL_H: Final = "1"
#: fees of builders' exchanges, taker and maker: about twice the venue's own, a tenth of that in growth mode
BUILDER_FEES: Final = ("9", "3")
GROWTH_FEES: Final = ("0.9", "0.3")

CATEGORY: Final[dict[str, Category]] = {
    "crypto": "crypto",
    "stocks": "equity",
    "preipo": "equity",
    "indices": "index",
    "commodities": "commodity",
    "metals": "commodity",
    "energy": "commodity",
    "fx": "fx",
}


Name = Annotated[str, msgspec.Meta(min_length=1)]
#: of a size
Decimals = Annotated[int, msgspec.Meta(ge=0, le=18)]


class PerpRow(msgspec.Struct, gc=False):
    name: Annotated[str, msgspec.Meta(pattern="[^:]$")]
    decimals: Decimals = msgspec.field(name="szDecimals")
    delisted: bool | None = msgspec.field(name="isDelisted", default=None)
    growth: str | None = msgspec.field(name="growthMode", default=None)


class PerpMeta(msgspec.Struct):
    """One exchange's perpetuals; the place of a row never changes."""

    universe: list[msgspec.Raw]
    collateral: int | None = msgspec.field(name="collateralToken", default=None)


class Token(msgspec.Struct, gc=False):
    name: Name
    index: int
    decimals: Decimals = msgspec.field(name="szDecimals", default=0)


class SpotRow(msgspec.Struct, gc=False):
    name: Name
    tokens: tuple[int, int]


class SpotMeta(msgspec.Struct):
    tokens: list[msgspec.Raw]
    universe: list[msgspec.Raw]


class SpotContext(msgspec.Struct, rename="camel", gc=False):
    coin: str
    mid_px: str | None = None


class _Form(msgspec.Struct):
    """As much of a body as tells which call it answers."""

    universe: msgspec.Raw
    tokens: msgspec.Raw = msgspec.Raw(b"")


Row = TypeVar("Row")

_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_pair: Final = msgspec.json.Decoder(tuple[msgspec.Raw, msgspec.Raw])
_perp_meta: Final = msgspec.json.Decoder(PerpMeta)
_perp_row: Final = msgspec.json.Decoder(PerpRow, strict=False)  # numbers may be texts
_spot_meta: Final = msgspec.json.Decoder(SpotMeta)
_spot_row: Final = msgspec.json.Decoder(SpotRow, strict=False)
_token: Final = msgspec.json.Decoder(Token, strict=False)
_context: Final = msgspec.json.Decoder(SpotContext)
_category: Final = msgspec.json.Decoder(tuple[str, str])
_form: Final = msgspec.json.Decoder(_Form)


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers. Contexts are none: they are asked for all the time."""
    text = body.lstrip()
    try:
        if text.startswith(b"{"):
            return SPOT_META if _form.decode(text).tokens else PERP_METAS
        rows = _raws.decode(text)
        if not rows:
            return None
        if bytes(rows[0]).startswith(b'["'):
            _category.decode(rows[0])
            return CATEGORIES
        for row in rows:
            _form.decode(_meta_of(row))
    except (*UNREADABLE, IndexError):
        return None
    return PERP_METAS


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and perpetual in the bodies. Raises `Unreadable`."""
    return _read(bodies)[0]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """Delisted perpetuals whose coin is listed anew on another exchange: the symbol is that one's."""
    return frozenset(_read(bodies)[1])


def dex_of(name: str) -> str:
    """The exchange that a perpetual's name names, empty for the first one."""
    dex, colon, _ = name.partition(":")
    return dex if colon else ""


def place(dex: str, position: int) -> str:
    """The alias of the perpetual at a position of an exchange's list."""
    return f"{dex}[{position}]"


def _read(bodies: Mapping[str, bytes]) -> tuple[list[Instrument], list[str]]:
    """(instruments, native ids and places of those that had to give way)."""
    spot = _spot_body(bodies[SPOT_META]) if SPOT_META in bodies else None
    tokens = {token.index: token for token in _rows(spot.tokens, _token)} if spot is not None else {}
    perps = list(_perps(bodies, tokens))
    live = {one.symbol for one in perps if one.status != "delisting"}
    kept = [one for one in perps if one.status != "delisting" or one.symbol not in live]
    gone = [name for one in perps if one.status == "delisting" and one.symbol in live for name in _names(one)]
    if spot is None:
        return kept, gone
    idle = _idle(bodies[SPOT_CONTEXTS]) if SPOT_CONTEXTS in bodies else frozenset()
    made = (_spot(row, tokens, row.name in idle) for row in _rows(spot.universe, _spot_row))
    return [*kept, *(one for one in made if one is not None)], gone


def _names(one: Instrument) -> tuple[str, ...]:
    return (one.native, *one.aliases)


def _perps(bodies: Mapping[str, bytes], tokens: Mapping[int, Token]) -> Iterator[Instrument]:
    if PERP_METAS not in bodies:
        return
    categories = _categories(bodies[CATEGORIES]) if CATEGORIES in bodies else {}
    for meta in _metas(bodies[PERP_METAS]):
        index = meta.collateral or 0
        token = tokens.get(index)
        collateral = token.name if token is not None else COLLATERAL.get(index)
        if collateral is None:
            continue  # what such a perpetual is priced in is not known
        for position, raw in enumerate(meta.universe):
            row = next(_rows([raw], _perp_row), None)
            if row is not None:
                yield _perp(row, position, collateral, categories.get(row.name))


def _perp(row: PerpRow, position: int, collateral: str, category: str | None) -> Instrument:
    dex = dex_of(row.name)
    named = naming.name(row.name[len(dex) + 1 :] if dex else row.name, PERPS)
    settle = naming.name(collateral, TOKENS).asset
    status, reason = ("delisting", None) if row.delisted else naming.status_of(named, "trading")
    taker, maker = (None, None) if not dex else GROWTH_FEES if row.growth == "enabled" else BUILDER_FEES
    multiplier = Decimal(named.multiplier)
    lot = plain(EXACT.multiply(Decimal(1).scaleb(-row.decimals), multiplier))
    return Instrument(
        venue=NAME,
        market="perp",
        symbol=unified_symbol(named.asset, settle, settle),
        native=row.name,
        base=named.asset,
        quote=settle,
        settle=settle,
        aliases=(place(dex, position),),
        category=CATEGORY.get(category, "unknown") if category is not None else "unknown" if dex else "crypto",
        multiplier=named.multiplier,
        tick_size=plain(EXACT.divide(Decimal(1).scaleb(-max(0, PERP_DECIMALS - row.decimals)), multiplier)),
        lot_size=lot,
        min_size=lot,
        min_notional=MIN_NOTIONAL,
        funding_interval_h=INTERVAL_H,
        funding_cap=None if dex else FUNDING_CAP,
        funding_floor=None if dex else f"-{FUNDING_CAP}",
        taker_fee_bps=taker,
        maker_fee_bps=maker,
        status=status,
        quarantine_reason=reason,
    )


def _spot(row: SpotRow, tokens: Mapping[int, Token], idle: bool) -> Instrument | None:
    base, quote = (tokens.get(index) for index in row.tokens)
    if base is None or quote is None:
        return None
    named, against = naming.name(base.name, TOKENS), naming.name(quote.name, TOKENS).asset
    halted: Status = "halted" if idle else "trading"
    status, reason = (halted, None) if idle else naming.status_of(named, halted)
    multiplier = Decimal(named.multiplier)
    lot = plain(EXACT.multiply(Decimal(1).scaleb(-base.decimals), multiplier))
    return Instrument(
        venue=NAME,
        market="spot",
        symbol=unified_symbol(named.asset, against),
        native=row.name,
        base=named.asset,
        quote=against,
        category="crypto",
        multiplier=named.multiplier,
        tick_size=plain(EXACT.divide(Decimal(1).scaleb(-max(0, SPOT_DECIMALS - base.decimals)), multiplier)),
        lot_size=lot,
        min_size=lot,
        min_notional=MIN_NOTIONAL,
        status=status,
        quarantine_reason=reason,
    )


def _metas(body: bytes) -> Iterator[PerpMeta]:
    """The metas of an answer: one for each exchange (alone, or with its contexts), or a single one."""
    try:
        text = body.lstrip()
        for raw in [text] if text.startswith(b"{") else _raws.decode(text):
            yield _perp_meta.decode(_meta_of(raw))
    except (*UNREADABLE, IndexError) as error:
        raise _unreadable(PERP_METAS, "a universe for each exchange", body, error) from None


def _meta_of(raw: bytes | msgspec.Raw) -> bytes | msgspec.Raw:
    return _raws.decode(raw)[0] if bytes(raw).startswith(b"[") else raw


def _spot_body(body: bytes) -> SpotMeta:
    try:
        return _spot_meta.decode(body)
    except UNREADABLE as error:
        raise _unreadable(SPOT_META, "an object with tokens and universe", body, error) from None


def _idle(body: bytes) -> frozenset[str]:
    """The pairs without a mid price: nobody bids, or nobody offers."""
    try:
        _, contexts = _pair.decode(body)
        found = _raws.decode(contexts)
    except UNREADABLE as error:
        raise _unreadable(SPOT_CONTEXTS, "a pair of meta and contexts", body, error) from None
    return frozenset(context.coin for context in _rows(found, _context) if context.mid_px is None)


def _categories(body: bytes) -> dict[str, str]:
    try:
        return dict(_rows(_raws.decode(body), _category))
    except UNREADABLE as error:
        raise _unreadable(CATEGORIES, "a list of names with categories", body, error) from None


def _rows(raws: list[msgspec.Raw], decoder: msgspec.json.Decoder[Row]) -> Iterator[Row]:
    """The readable rows; one of another form is left out, its frames count as unknown_symbol."""
    for raw in raws:
        try:
            yield decoder.decode(raw)
        except UNREADABLE:
            continue


def _unreadable(call: str, expected: str, body: bytes, error: Exception) -> Unreadable:
    return Unreadable(f"{NAME} {call}: expected {expected}, got {body[:80]!r} ({error})")
