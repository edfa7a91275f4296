"""The `trade` stream: one print as the terminal reads it, and which subscriptions want it. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.api.cryexc.protocol import TradeConfig, min_notional
from services.api.numbers import json_bytes, number, product, raw
from services.api.symbols import Target
from shared.events import Trade

_MS: Final = 1_000_000


def trade_ms(trade: Trade) -> int:
    """The venue's time of a print, or when it was read where the venue gives none."""
    return (trade.recv if trade.ts is None else trade.ts) // _MS


@dataclass(frozen=True)
class TradeFilter:
    """What a subscription lets through."""

    least: Decimal
    side: str | None

    @classmethod
    def of(cls, config: TradeConfig) -> "TradeFilter":
        return cls(min_notional(config), config.side)

    def passes(self, trade: Trade, notional: Decimal) -> bool:
        return (self.side is None or trade.side == self.side) and notional >= self.least


def notional_of(trade: Trade) -> Decimal:
    """Price times size, exact; the same in every scale."""
    return product(trade.price, trade.size)


def data_of(trade: Trade, target: Target, notional: Decimal) -> dict[str, Any]:
    """`isBuyerMaker` true: the aggressor sold. Both spellings of the two sizes, since clients differ."""
    size, worth = number(target.size(trade.size)), raw(notional)
    return {
        "exchange": target.exchange,
        "symbol": target.name,
        "price": number(target.price(trade.price)),
        "quantity": size,
        "qty": size,
        "quoteQty": worth,
        "quote_qty": worth,
        "isBuyerMaker": trade.side == "sell",
        "timestamp": trade_ms(trade),
        "id": trade.id,
        **({} if trade.flag is None else {"flag": trade.flag}),
    }


def frame(data: dict[str, Any], instance: str | None) -> str:
    named = {} if instance is None else {"instanceId": instance}
    return json_bytes({"type": "trade", "data": data, **named}).decode()
