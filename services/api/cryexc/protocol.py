"""The terminal's protocol: what it may say, checked, and the frames that answer it. Pure.

Identity of a subscription (per socket): the stream's name, or `stream:instanceId` where an instanceId was given. A
second subscribe of one identity replaces the first. `config` is echoed as it was received.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from services.api.errors import ApiError, invalid
from services.api.numbers import json_bytes
from services.api.reading import convert
from services.api.symbols import Directory, Target, unknown_exchange
from shared import decoding

MAX_FRAME: Final = 65_536
MAX_BATCH: Final = 32
MAX_SUBSCRIPTIONS: Final = 32
MAX_INSTANCE_ID: Final = 128
STREAMS: Final = ("trade", "cvd")
TYPES: Final = ("ping", "stream_subscribe", "stream_unsubscribe", "stream_update", "stream_subscribe_batch")

#: Bar lengths of cvd, in seconds; `raw` means one second.
INTERVALS: Final = {"raw": 1, "30s": 30, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400}
TIME_RANGES: Final = {"15m": 900, "30m": 1800, "1h": 3600, "4h": 14400, "12h": 43200, "24h": 86400}
#: The older form of an interval, as pandas writes them.
WINDOWS: Final = {
    **{f"{count}{unit}": count * 60 for count in (1, 3, 5, 10, 15, 30, 60) for unit in ("min", "T", "m")},
    **{f"{count}{unit}": count * 3600 for count in (1, 2, 4) for unit in ("h", "H")},
    **{f"{count}{unit}": count for count in (1, 5, 10, 15, 30) for unit in ("s", "S")},
}

Action = Literal["subscribe", "update", "unsubscribe"]
Exchanges = Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=64)]


class TradeConfig(msgspec.Struct, frozen=True):
    """No exchanges means all. `minNotional` is in quote currency."""

    symbol: Annotated[str, Meta(min_length=1, max_length=64)]
    exchanges: Exchanges | None = ()
    minNotional: Annotated[float, Meta(ge=0)] | None = 0  # noqa: N815 - the terminal's own name
    side: Literal["buy", "sell"] | None = None


class CvdConfig(msgspec.Struct, frozen=True):
    """Either `interval` and `timeRange`, or the older `window`."""

    symbol: Annotated[str, Meta(min_length=1, max_length=64)] = "BTCUSDT"
    exchanges: Exchanges | None = ()
    interval: str | None = None
    timeRange: str | None = None  # noqa: N815 - the terminal's own name
    window: str | None = None


Config = TradeConfig | CvdConfig
CONFIGS: Final[dict[str, type[TradeConfig] | type[CvdConfig]]] = {"trade": TradeConfig, "cvd": CvdConfig}


@dataclass(frozen=True)
class Identity:
    """Which subscription of a socket is meant."""

    stream: str
    instance: str | None = None


@dataclass(frozen=True)
class Order:
    """One thing to do, checked. `echo` is the config as it came."""

    action: Action
    identity: Identity
    config: Config | None = None
    echo: Any = None


@dataclass(frozen=True)
class Refusal:
    """One thing that cannot be done, and whose it was."""

    error: ApiError
    stream: str | None = None
    instance: str | None = None


@dataclass(frozen=True)
class Said:
    """What one frame asks for, in order: a pong, orders, refusals."""

    pong: bool = False
    items: list[Order | Refusal] = field(default_factory=list)


_json: Final = decoding.json()


def read(frame: str | bytes) -> Said:
    """One frame from the terminal. Never raises: what cannot be read is a refusal."""
    if len(frame) > MAX_FRAME:
        return _refused(invalid("frame", f"{len(frame)} characters", f"at most {MAX_FRAME}", code="frame_too_large"))
    try:
        found = _json.decode(frame)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        shown = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
        return _refused(invalid("frame", shown, "a JSON object", code="invalid_json"))
    kind = found.get("type")
    if kind == "ping":
        return Said(pong=True)
    if kind == "stream_subscribe_batch":
        return _batch(found)
    if kind in ("stream_subscribe", "stream_update", "stream_unsubscribe"):
        return Said(items=[_order(kind.removeprefix("stream_"), found)])
    return _refused(invalid("type", kind, "one of " + ", ".join(TYPES), code="unknown_type"))


def _refused(error: ApiError) -> Said:
    return Said(items=[Refusal(error)])


def _batch(found: dict[str, Any]) -> Said:
    listed = found.get("subscriptions")
    if not isinstance(listed, list):
        return _refused(invalid("subscriptions", listed, "an array of subscriptions"))
    if len(listed) > MAX_BATCH:
        return _refused(
            invalid("subscriptions", f"{len(listed)} of them", f"at most {MAX_BATCH}", code="batch_too_large")
        )
    items: list[Order | Refusal] = []
    for index, one in enumerate(listed):
        if isinstance(one, dict):
            items.append(_order("subscribe", one))
        else:
            items.append(Refusal(invalid(f"subscriptions[{index}]", one, "an object with stream and config")))
    return Said(items=items)


def _order(action: Action, found: dict[str, Any]) -> Order | Refusal:
    stream, instance = found.get("stream"), found.get("instanceId")
    named = (stream if isinstance(stream, str) else None, instance if isinstance(instance, str) else None)
    if instance is not None and (not isinstance(instance, str) or len(instance) > MAX_INSTANCE_ID):
        return Refusal(invalid("instanceId", instance, f"text of at most {MAX_INSTANCE_ID} characters"), *named)
    if not isinstance(stream, str) or (action != "unsubscribe" and stream not in STREAMS):
        error = invalid("stream", stream, "one of " + ", ".join(STREAMS), code="unknown_stream")
        return Refusal(error, *named)
    identity = Identity(stream, instance)
    if action == "unsubscribe":
        return Order(action, identity)
    echo = found.get("config")
    if echo is not None and not isinstance(echo, dict):
        return Refusal(invalid("config", echo, "an object"), *named)
    try:
        config = convert(echo or {}, CONFIGS[stream], "config")
        if isinstance(config, CvdConfig):
            shape_of(config)
    except ApiError as error:
        return Refusal(error, *named)
    return Order(action, identity, config, echo if echo is not None else {})


@dataclass(frozen=True)
class CvdShape:
    """Bar length and look-back in seconds; `pointwise`: history in the older form, one frame a point."""

    interval_s: int
    range_s: int
    pointwise: bool


def shape_of(config: CvdConfig) -> CvdShape:
    """Raises `ApiError` on an interval, range or window that does not exist."""
    range_s = _choice("config.timeRange", config.timeRange, TIME_RANGES, "1h")
    if config.window is not None:
        return CvdShape(_choice("config.window", config.window, WINDOWS, "1m"), range_s, True)
    return CvdShape(_choice("config.interval", config.interval, INTERVALS, "1m"), range_s, False)


def _choice(name: str, value: str | None, choices: dict[str, int], default: str) -> int:
    if value is None:
        return choices[default]
    if value not in choices:
        raise invalid(name, value, "one of " + ", ".join(choices))
    return choices[value]


def targets(config: Config, directory: Directory) -> list[Target]:
    """The instruments of a subscription; none while the listing that would have them is still to come.

    Raises `ApiError` on an exchange that is not collected and on a symbol that is not listed.
    """
    asked = [name.strip().lower() for name in config.exchanges or ()]
    if directory.empty:
        return []
    for name in asked:
        if name not in directory.exchanges:
            raise unknown_exchange(name, directory.exchange_ids(), "config.exchanges")
    found = directory.targets(config.symbol, asked)
    if not found and not any(directory.exchanges[name][0] in directory.pending for name in asked):
        where = ", ".join(asked) if asked else "any exchange"
        raise ApiError(
            404,
            "unknown_symbol",
            f"{config.symbol[:64]!r} is not listed on {where}.",
            field="config.symbol",
            value=config.symbol,
            expected="a pair such as BTCUSDT, or an exchange's own id; GET /api/exchanges lists them",
        )
    return found


def _frame(fields: dict[str, Any], instance: str | None) -> str:
    named = {} if instance is None else {"instanceId": instance}
    return json_bytes({**fields, **named}).decode()


PONG: Final = '{"type":"pong"}'


def subscribed(order: Order) -> str:
    fields = {"type": "subscribed", "stream": order.identity.stream, "config": order.echo}
    return _frame(fields, order.identity.instance)


def unsubscribed(identity: Identity) -> str:
    return _frame({"type": "unsubscribed", "stream": identity.stream}, identity.instance)


def refused(refusal: Refusal) -> str:
    """An error frame: every client seen reads `message` or `error`."""
    body = refusal.error.body()
    named = {} if refusal.stream is None else {"stream": refusal.stream}
    fields = {"type": "error", "message": body["message"][:300], "error": body["message"][:300], **named, **body}
    return _frame({**fields, "message": body["message"][:300]}, refusal.instance)


def min_notional(config: TradeConfig) -> Decimal:
    return Decimal(str(config.minNotional or 0))
