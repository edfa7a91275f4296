"""What a push subscription may ask for, and the rows it then sees: board, asset, signals, health. Pure."""

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from services.api.columns import COLUMNS, NUMERIC, Make, flat, flat_leg
from services.api.errors import ApiError, invalid
from services.api.figures import figure, premiums
from services.api.state import LiveState, Process
from services.api.symbols import unknown_exchange, unknown_symbol
from services.api.views import signal_view
from services.api.within import Routes, Wanted
from services.collector.venues import VENUES
from shared import decoding
from shared.signals import BoardRow, Kind

_json: Final = decoding.json()
Rows = Iterable[tuple[str, dict[str, Any] | None] | None]
Rate = Annotated[float, Meta(ge=0, le=1000)]
Channel = Literal["board", "asset", "signals", "health"]
CHANNELS: Final = ("board", "asset", "signals", "health")
#: Flushes a second where a subscription does not say; 0 means each turn of the loop.
DEFAULT_RATE: Final = 20.0


class BoardFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which assets are in view, and with which route.

    A row shows the best route of `kind` between `venues` that fits `min_size_usd`; `min_net_bps` and `max_edge_bps` are
    asked of that one. A row without such a route is in view only where no route is asked about, or with `unrouted`:
    then wherever one of its legs fits, and `why` says what stands in the way.
    """

    min_net_bps: float | None = None
    max_edge_bps: float | None = None
    min_size_usd: float | None = None
    kind: Kind | None = None
    venues: tuple[str, ...] | None = None
    assets: tuple[str, ...] | None = None
    signals_only: bool = False
    unrouted: bool = False

    def wanted(self) -> Wanted:
        return Wanted.of(self.venues, self.kind, self.min_size_usd)


class BoardParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    columns: tuple[str, ...] | None = None
    filter: BoardFilter = BoardFilter()
    sort: str | None = None
    top_n: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    rate: Rate = DEFAULT_RATE


class AssetParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbol: str
    rate: Rate = DEFAULT_RATE


class SignalsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: Literal["open", "all"] = "all"
    limit: Annotated[int, Meta(ge=1, le=2000)] = 200
    rate: Rate = DEFAULT_RATE


class HealthParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rate: Rate = 1.0


Params = BoardParams | AssetParams | SignalsParams | HealthParams
PARAMS: Final[dict[str, type[Any]]] = {
    "board": BoardParams,
    "asset": AssetParams,
    "signals": SignalsParams,
    "health": HealthParams,
}


def check(channel: str, params: Params, state: LiveState) -> Params:
    """Values that a type cannot judge; returns the parameters in their one canonical form. Raises `ApiError`."""
    if isinstance(params, BoardParams):
        for column in params.columns or ():
            if column not in COLUMNS:
                raise invalid("params.columns", column, "names out of: " + ", ".join(COLUMNS), code="unknown_column")
        if params.sort is not None and params.sort.removeprefix("-") not in (*NUMERIC, "asset"):
            names = ", ".join((*NUMERIC, "asset"))
            raise invalid("params.sort", params.sort, f"one of {names}, with - in front for descending order")
        return msgspec.structs.replace(params, filter=_canonical(params.filter, state))
    if isinstance(params, AssetParams):
        asset = state.directory.asset_of(params.symbol)
        if asset is None and params.symbol.upper() in state.board.rows:
            asset = params.symbol.upper()
        if asset is None:
            raise unknown_symbol(params.symbol, state.directory, "params.symbol")
        return AssetParams(asset, params.rate)
    return params


def _canonical(rule: BoardFilter, state: LiveState) -> BoardFilter:
    """Who asks for the same in another order asks for the same."""
    if rule.venues is not None:
        known = {*VENUES, *state.venues()}
        for venue in rule.venues:
            if venue not in known:
                raise unknown_exchange(venue, known, "params.filter.venues")
    venues, assets = (None if names is None else tuple(sorted(set(names))) for names in (rule.venues, rule.assets))
    return msgspec.structs.replace(rule, venues=venues, assets=assets)


def unknown_channel(value: object) -> ApiError:
    return invalid("channel", value, "one of " + ", ".join(CHANNELS), code="unknown_channel")


class BoardSource:
    """The flat row of each asset that passes the filter, the best of them where a number is given."""

    def __init__(self, state: LiveState, params: BoardParams, make: Make) -> None:
        self._state, self._params, self._make = state, params, make
        columns, assets = params.columns, params.filter.assets
        self._columns = None if columns is None else ("id", *(name for name in columns if name != "id"))
        self._assets = None if assets is None else frozenset(assets)
        self._wanted = params.filter.wanted()
        #: what a row was shown as: a ranking looks at all of them each time
        self._known: dict[str, tuple[BoardRow, Routes, BoardRow | None]] = {}

    def rows(self, dirty: Collection[str] | None, held: Collection[str]) -> Rows:
        if self._params.top_n is None and dirty is not None:
            for name in dirty:
                shown = self._shown(name)
                yield name, None if shown is None else self._render(shown)
            return
        for name in list(self._state.board.rows):
            if not self._judged(name):
                self._shown(name)
                yield None
        best = self._ranked()
        looked = best.keys() if dirty is None else [name for name in best if name in dirty or name not in held]
        for name in [name for name in held if name not in best]:
            yield name, None
        for name in looked:
            yield name, self._render(best[name])

    def _ranked(self) -> dict[str, BoardRow]:
        names = list(self._state.board.rows)
        passing = [shown for name in names if (shown := self._shown(name)) is not None]
        if self._params.sort is not None or self._params.top_n is not None:
            passing = ordered(passing, self._params.sort or "-net_open_bps")
        return {row.asset: row for row in passing[: self._params.top_n]}

    def _judged(self, name: str) -> bool:
        """Whether it is known already what is shown of a row."""
        known = self._known.get(name)
        return known is not None and known[0] is self._state.board.rows.get(name) and known[1] is self._state.routes

    def _shown(self, name: str) -> BoardRow | None:
        """The row with the route that the filter leaves it, None where it is not in view."""
        row, routes = self._state.board.rows.get(name), self._state.routes
        if row is None or (self._assets is not None and name not in self._assets):
            self._known.pop(name, None)
            return None
        if not self._judged(name):
            self._known[name] = (row, routes, passing(row, self._params.filter, self._wanted, routes))
        return self._known[name][2]

    def _render(self, row: BoardRow) -> dict[str, Any]:
        found = flat(row, self._make)
        return found if self._columns is None else {name: found[name] for name in self._columns}


def passing(row: BoardRow, rule: BoardFilter, wanted: Wanted, routes: Routes) -> BoardRow | None:
    """The row with the route that a filter leaves it, None where it is not in view. `wanted` is the rule's."""
    if rule.signals_only and not row.signals:
        return None
    shown = routes.within(row, wanted)
    least, most, route = rule.min_net_bps, rule.max_edge_bps, shown.best
    if route is None:
        kept = any(wanted.leg(leg) for leg in row.legs) if rule.unrouted else wanted.everything()
        return shown if kept and least is None and most is None else None
    too_low = least is not None and float(route.net_open_bps) < least
    too_high = most is not None and float(route.edge_bps) > most
    return None if too_low or too_high else shown


def ordered(rows: Iterable[BoardRow], sort: str) -> list[BoardRow]:
    """Sorted by a figure of the best route; rows without it stand last in either direction."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name == "asset":
        return sorted(rows, key=lambda row: row.asset, reverse=down)
    sign = -1.0 if down else 1.0

    def key(row: BoardRow) -> tuple[bool, float, str]:
        value = figure(row.best, name)
        return value is None, sign * (value or 0.0), row.asset

    return sorted(rows, key=key)


class AssetSource:
    """One asset: its board row (`row: asset`) and every market of it (`row: leg`), each by its id."""

    def __init__(self, state: LiveState, asset: str, make: Make) -> None:
        self._state, self._board, self._asset, self._make = state, state.board.rows, asset, make

    def rows(self, dirty: Collection[str] | None, held: Collection[str]) -> Rows:
        row = self._board.get(self._asset)
        found: dict[str, dict[str, Any]] = {}
        if row is not None:
            found[row.asset] = {**flat(row, self._make), "row": "asset"}
            pages = self._pages()
            legs = [flat_leg(leg, self._make) | of for leg, of in zip(row.legs, premiums(row, self._make), strict=True)]
            found.update((leg["id"], {**leg, "row": "leg", "trade_url": pages.get(leg["id"])}) for leg in legs)
        yield from found.items()
        yield from ((name, None) for name in tuple(held) if name not in found)

    def _pages(self) -> dict[str, str]:
        """The page of each of its markets on the exchange's own site."""
        listed = self._state.directory.assets.get(self._asset, ())
        known = (one for one in listed if one.venue in VENUES)
        return {f"{one.venue}:{one.market}:{one.native}": VENUES[one.venue].trade_url(one) for one in known}


class SignalsSource:
    """The newest signals, or the open ones."""

    def __init__(self, state: LiveState, params: SignalsParams, make: Make) -> None:
        self._book, self._params, self._make = state.signals, params, make

    def rows(self, dirty: Collection[str] | None, held: Collection[str]) -> Rows:
        newest = self._book.newest()
        if self._params.state == "open":
            newest = [signal for signal in newest if signal.event != "close"]
        best = {signal.id: signal for signal in newest[: self._params.limit]}
        yield from ((name, None) for name in tuple(held) if name not in best)
        for name, signal in best.items():
            if dirty is None or name in dirty or name not in held:
                yield name, signal_view(signal, self._make)


class HealthSource:
    """Every process that beats."""

    def __init__(self, state: LiveState) -> None:
        self._state = state

    def rows(self, dirty: Collection[str] | None, held: Collection[str]) -> Rows:
        processes = self._state.processes
        yield from ((name, process_view(process)) for name, process in processes.items())
        yield from ((name, None) for name in tuple(held) if name not in processes)


def process_view(process: Process) -> dict[str, Any]:
    """One process: its health fields, numbers as numbers, lists as lists; what is not measured yet is null."""
    found: dict[str, Any] = {"id": process.id, "name": process.name, "member": process.member}
    for name, text in process.fields.items():
        if name.endswith("_json"):
            listed = json_of(text)
            base = name.removesuffix("_json")
            found[f"{base.removesuffix('s')}_list" if isinstance(listed, list) else f"{base}_by_reason"] = listed
        elif name in ("state", "detail"):
            found[name] = text
        else:
            figure = process.number(name)
            found[name] = None if figure is None else int(figure) if figure.is_integer() else figure
    return found


def json_of(text: str) -> Any:
    """What a process reports as JSON; None where it is none."""
    try:
        return _json.decode(text)
    except msgspec.DecodeError:
        return None


def source_for(
    state: LiveState, params: Params, make: Make
) -> BoardSource | AssetSource | SignalsSource | HealthSource:
    match params:
        case BoardParams():
            return BoardSource(state, params, make)
        case AssetParams():
            return AssetSource(state, params.symbol, make)
        case SignalsParams():
            return SignalsSource(state, params, make)
        case HealthParams():
            return HealthSource(state)
