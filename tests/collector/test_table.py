"""The look-up table that decoders hold on to."""

from typing import Any

from services.collector.messages import Unknown
from services.collector.naming import resolve_collisions
from services.collector.table import Listed, Table
from shared.instruments import Instrument


def instrument(native: str, symbol: str = "BTC/USDT", **more: Any) -> Instrument:
    return Instrument(
        venue="v",
        symbol=symbol,
        native=native,
        base="BTC",
        quote="USDT",
        **{"market": "spot", "status": "trading", **more},
    )


def test_a_new_listing_is_seen_by_those_who_hold_the_mappings() -> None:
    table = Table([instrument("BTCUSDT")])
    rows, get = table.spot, table.getter("spot")
    assert rows["BTCUSDT"].symbol == "BTC/USDT"
    table.replace([instrument("ETHUSDT", "ETH/USDT")], outside=["ETHUSD_PERP"])
    assert "BTCUSDT" not in rows
    assert get("BTCUSDT") is None
    found = get("ETHUSDT")
    assert found is not None
    assert found.symbol == "ETH/USDT"
    assert table.outside == {"ETHUSD_PERP"}


def test_spot_and_perpetual_may_share_a_native_name() -> None:
    table = Table([instrument("BTCUSDT"), instrument("BTCUSDT", "BTC/USDT:USDT", market="perp")])
    assert table.spot["BTCUSDT"].symbol == "BTC/USDT"
    assert table.perp["BTCUSDT"].symbol == "BTC/USDT:USDT"
    assert len(table) == 2


def test_one_alias_may_stand_for_several_instruments() -> None:
    table = Table([instrument("A", "A/USDT", aliases=("IDX",)), instrument("B", "B/USDT", aliases=("IDX", "b"))])
    assert [row.symbol for row in table.spot_aliases["IDX"]] == ["A/USDT", "B/USDT"]


def test_who_lost_its_symbol_is_listed_and_never_looked_up() -> None:
    rivals = [instrument("XUSDT"), instrument("1000XUSDT", multiplier="1000", aliases=("x#1",))]
    table = Table(resolve_collisions(rivals))
    assert "1000XUSDT" not in table.spot
    assert table.withheld("spot", "1000XUSDT")
    assert table.withheld("spot", "x#1")
    assert not table.withheld("perp", "1000XUSDT")
    assert table.by_symbol["BTC/USDT"].native == "XUSDT"
    assert [one.native for one in table] == ["XUSDT", "1000XUSDT"]


def test_why_there_is_no_row_is_told_by_what_is_known_of_the_id() -> None:
    rivals = [instrument("XUSDT"), instrument("1000XUSDT", multiplier="1000", aliases=("x#1",))]
    table = Table(resolve_collisions(rivals), outside=["X_261225"])
    assert table.missing("X_261225", "spot") == Unknown("out_of_scope", "X_261225")
    assert table.missing("1000XUSDT", "perp", "spot") == Unknown("quarantined", "1000XUSDT")
    assert table.missing("x#1", "spot") == Unknown("quarantined", "x#1")
    assert table.missing("1000XUSDT", "perp") == Unknown("unknown_symbol", "1000XUSDT")


def test_conversions_are_worked_out_once() -> None:
    plain = Listed(instrument("A"))
    assert (plain.plain, plain.divide_price, plain.times_size) == (True, None, None)
    multiple = Listed(instrument("B", multiplier="1000", contract_size="0.1"))
    assert (multiple.plain, multiple.price_shift, multiple.size_shift) == (False, -3, 2)
    odd = Listed(instrument("C", contract_size="12.5"))
    assert (odd.plain, odd.price_shift, odd.size_shift) == (False, 0, None)
