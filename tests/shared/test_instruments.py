"""Instruments and their names."""

import msgspec
import pytest

from shared.instruments import COLLECTED_QUOTES, Instrument, Status, asset_of, unified_symbol


def instrument(quote: str = "USDT", status: Status = "trading") -> Instrument:
    return Instrument(
        venue="sim", market="perp", symbol="PEPE/USDT:USDT", native="1000PEPE", base="PEPE", quote=quote, status=status
    )


def test_symbols_have_the_unified_form() -> None:
    assert unified_symbol("BTC", "USDT") == "BTC/USDT"
    assert unified_symbol("BTC", "USDT", "USDC") == "BTC/USDT:USDC"
    assert asset_of("PEPE/USDT:USDT") == instrument().asset == "PEPE"


@pytest.mark.parametrize("quote", sorted(COLLECTED_QUOTES))
def test_what_trades_against_a_dollar_is_collected(quote: str) -> None:
    assert instrument(quote).collected


def test_other_quotes_and_what_does_not_trade_are_not_collected() -> None:
    assert not instrument("BTC").collected
    others: tuple[Status, ...] = ("halted", "pre", "delisting", "quarantined", "unknown")
    assert not any(instrument(status=status).collected for status in others)


def test_an_instrument_comes_back_as_it_was_and_a_newer_field_is_ignored() -> None:
    data = msgspec.msgpack.encode({**msgspec.to_builtins(instrument()), "from_later": 1})
    assert msgspec.msgpack.decode(data, type=Instrument) == instrument()
