"""Names of multiples, and who keeps a symbol that two claim."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.naming import Named, name, read_pattern, resolve_collisions, status_of
from shared.instruments import COLLISION, UNCONFIRMED, Instrument

REVIEWED = {"1000PEPE": ("PEPE", "1000"), "UBTC": ("BTC", "1"), "1000X": ("X", "1000")}


@pytest.mark.parametrize(
    ("base", "read"),
    [
        ("1000PEPE", ("PEPE", "1000")),
        ("10000LADYS", ("LADYS", "10000")),
        ("1000000MOG", ("MOG", "1000000")),
        ("1MBABYDOGE", ("BABYDOGE", "1000000")),
        ("kPEPE", ("PEPE", "1000")),
        ("SHIB1000", ("SHIB", "1000")),
        ("1000X", ("X", "1000")),
    ],
)
def test_a_multiple_is_read_by_its_pattern(base: str, read: tuple[str, str]) -> None:
    assert read_pattern(base) == read


@pytest.mark.parametrize(
    "base",
    [
        "BTC",
        "1INCH",
        "0G",
        "2Z",
        "C98",
        "1M",
        "1MA",
        "K",
        "KAS",
        "kas",
        "1000",
        "100X",
        "BROCCOLI714",
        "LUNA2",
        "币安人生",
    ],
)
def test_a_plain_name_has_no_pattern(base: str) -> None:
    assert read_pattern(base) is None


def test_the_reviewed_table_comes_first_and_a_pattern_alone_is_unconfirmed() -> None:
    assert name("1000PEPE", REVIEWED) == Named("PEPE", "1000", confirmed=True)
    assert name("UBTC", REVIEWED) == Named("BTC", "1", confirmed=True)
    assert name("1000NEW", REVIEWED) == Named("NEW", "1000", confirmed=False)
    assert name("1INCH", REVIEWED) == Named("1INCH", "1", confirmed=True)
    assert status_of(name("1000NEW", REVIEWED), "trading") == ("quarantined", UNCONFIRMED)
    assert status_of(name("1000PEPE", REVIEWED), "halted") == ("halted", None)


def instrument(native: str, **more: Any) -> Instrument:
    symbol = more.pop("symbol", "X/USDT:USDT")
    return Instrument(
        venue="v", market="perp", symbol=symbol, native=native, base="X", quote="USDT", **{"status": "trading", **more}
    )


def winners(instruments: list[Instrument]) -> list[str]:
    return [one.native for one in instruments if one.quarantine_reason != COLLISION]


def test_multiplier_1_wins_then_the_older_then_native_order() -> None:
    plain, multiple = instrument("XUSDT", listed_ts=9), instrument("1000XUSDT", multiplier="1000", listed_ts=1)
    assert winners(resolve_collisions([multiple, plain])) == ["XUSDT"]
    young, old, undated = instrument("A", listed_ts=9), instrument("B", listed_ts=1), instrument("C")
    assert winners(resolve_collisions([undated, young, old])) == ["B"]
    assert winners(resolve_collisions([instrument("B"), instrument("A")])) == ["A"]


def test_an_unconfirmed_reading_never_takes_a_symbol_from_a_confirmed_one() -> None:
    unsure = instrument("10XUSDT", multiplier="1", status="quarantined", quarantine_reason=UNCONFIRMED)
    assert winners(resolve_collisions([unsure, instrument("1000XUSDT", multiplier="1000")])) == ["1000XUSDT"]


def test_who_holds_a_symbol_keeps_it_while_the_process_runs() -> None:
    plain, multiple = instrument("XUSDT"), instrument("1000XUSDT", multiplier="1000")
    assert winners(resolve_collisions([plain, multiple], {"X/USDT:USDT": "1000XUSDT"})) == ["1000XUSDT"]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["1", "1000"]), st.integers(0, 3)), max_size=12))
def test_every_symbol_ends_with_one_owner_and_nobody_is_lost(rows: list[tuple[str, str, int]]) -> None:
    claimed = [
        instrument(f"{number}", symbol=f"{asset}/USDT:USDT", multiplier=multiplier, listed_ts=listed)
        for number, (asset, multiplier, listed) in enumerate(rows)
    ]
    made = resolve_collisions(claimed)
    assert [one.native for one in made] == [one.native for one in claimed]
    for symbol in {one.symbol for one in claimed}:
        rivals = [one for one in made if one.symbol == symbol]
        [winner] = [one for one in rivals if one.status == "trading"]
        assert all(one.quarantine_reason == COLLISION for one in rivals if one is not winner)
        assert winner.multiplier == "1" or all(one.multiplier != "1" for one in rivals)
