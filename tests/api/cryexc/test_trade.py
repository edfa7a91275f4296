from decimal import Decimal

import msgspec

from services.api.cryexc.protocol import TradeConfig
from services.api.cryexc.trade import TradeFilter, data_of, frame, notional_of, trade_ms
from services.api.symbols import Directory
from tests.api.market import T0, instrument, trade

LISTED = Directory({"binance": [instrument("binance", base="PEPE", native="1000PEPEUSDT", multiplier="1000")]})


def test_a_print_is_written_with_the_venues_digits_and_both_spellings() -> None:
    print_ = trade("PEPE/USDT:USDT", "0.0000123", "5000000", "sell")
    (target,) = LISTED.targets("pepeusdt")
    text = frame(data_of(print_, target, notional_of(print_)), None)
    assert '"price":0.0000123,"quantity":5000000,"qty":5000000,"quoteQty":61.5000000,"quote_qty":61.5000000' in text
    found = msgspec.json.decode(text)
    assert found["data"]["isBuyerMaker"] is True
    assert "instanceId" not in found


def test_the_native_symbol_has_the_native_scale_and_the_same_notional() -> None:
    print_ = trade("PEPE/USDT:USDT", "0.0000123", "5000000")
    (target,) = LISTED.targets("1000PEPEUSDT")
    found = msgspec.json.decode(frame(data_of(print_, target, notional_of(print_)), "w1"))
    assert (found["data"]["symbol"], found["data"]["price"], found["data"]["qty"]) == ("1000PEPEUSDT", 0.0123, 5000)
    assert (found["data"]["quoteQty"], found["instanceId"]) == (61.5, "w1")


def test_filters_look_at_side_and_notional() -> None:
    rule = TradeFilter.of(TradeConfig("X", minNotional=100, side="buy"))
    assert rule.passes(trade("X", "10", "10"), Decimal(100))
    assert not rule.passes(trade("X", "10", "10", "sell"), Decimal(100))
    assert not rule.passes(trade("X", "10", "9.99"), Decimal("99.9"))
    assert TradeFilter.of(TradeConfig("X", minNotional=None)).passes(trade("X", "1", "1", "sell"), Decimal(1))


def test_a_print_without_a_venue_time_has_the_time_it_was_read() -> None:
    print_ = msgspec.structs.replace(trade("X", "1", "1"), ts=None)
    assert trade_ms(print_) == T0 // 1_000_000
