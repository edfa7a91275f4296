"""What is said of single instruments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.listing import read_anew
from services.collector.overrides import Checked, Override, Overrides, checked, multiplier_of, parse, rescaled
from shared.config import SettingError
from shared.instruments import UNCONFIRMED, Instrument
from tests.collector.fakes import instrument

VENUES = ("fake", "other")


def entry(**fields: Any) -> Override:
    return Override(**{"venue": "fake", "native": "NEW", **fields})


def unsure(base: str = "PEPE", **fields: Any) -> Instrument:
    """`1000PEPE`, read by its pattern."""
    known: dict[str, Any] = {"status": "quarantined", "quarantine_reason": UNCONFIRMED, "multiplier": "1000"}
    steps = {"tick_size": "0.0000001", "lot_size": "1000", "min_size": "5000", "min_notional": "5"}
    return instrument(base, **{"native": "NEW", **known, **steps, **fields})


def read(one: Instrument, *given: Override, **confirmed: Checked) -> Instrument:
    (found,) = Overrides(given=given, checked=confirmed).applied([one])
    return found


def test_a_multiplier_confirms_a_reading() -> None:
    one = read(unsure(), entry(multiplier="1000"))
    assert (one.status, one.quarantine_reason, one.multiplier, one.tick_size) == ("trading", None, "1000", "0.0000001")


def test_another_multiplier_changes_steps_and_sizes_exactly_and_no_notional() -> None:
    one = read(unsure(), entry(multiplier="1"))
    assert (one.multiplier, one.tick_size, one.lot_size, one.min_size, one.min_notional) == (
        "1",
        "0.0001",
        "1",
        "5",
        "5",
    )
    assert one.status == "trading"


def test_another_coin_has_another_symbol_and_stays_unconfirmed_if_it_was() -> None:
    one = read(unsure(settle="USDT"), entry(asset="PEPE2"))
    assert (one.base, one.symbol, one.native) == ("PEPE2", "PEPE2/USDT:USDT", "NEW")
    assert one.quarantine_reason == UNCONFIRMED
    assert read(instrument("X", "spot", native="NEW"), entry(asset="Y")).symbol == "Y/USDT"


def test_quarantine_has_the_users_reason_and_trust_ends_the_waiting() -> None:
    one = read(instrument("X", native="NEW"), entry(quarantine="withdrawals are closed"))
    assert (one.status, one.quarantine_reason, one.collected) == ("quarantined", "withdrawals are closed", False)
    trusted = read(unsure(), entry(trust=True))
    assert (trusted.status, trusted.trusted, trusted.multiplier) == ("trading", True, "1000")


def test_an_entry_concerns_one_market_where_it_names_it() -> None:
    both = [instrument("X", native="NEW"), instrument("X", "spot", native="NEW"), instrument("X", native="OLD")]
    found = Overrides(given=(entry(market="spot", quarantine="no"),)).applied(both)
    assert [one.status for one in found] == ["trading", "quarantined", "trading"]
    found = Overrides(given=(entry(quarantine="no"),)).applied(both)
    assert [one.status for one in found] == ["quarantined", "quarantined", "trading"]
    assert Overrides(given=(entry(trust=True), entry(native="GONE", trust=True))).unused(both)[0].native == "GONE"


def test_the_price_check_confirms_what_waits_for_it_and_nothing_else() -> None:
    said = Checked(multiplier="1000", asset="PEPE", by="scanner", at=5)
    assert read(unsure(), NEW=said).status == "trading"
    assert read(unsure(base="PEPE2"), NEW=said).status == "quarantined"
    halted = instrument("PEPE", native="NEW", status="halted", multiplier="1")
    assert read(halted, NEW=said) == halted
    assert read(unsure(), entry(quarantine="no"), NEW=said).quarantine_reason == "no"
    assert read(unsure(), entry(multiplier="1"), NEW=said).multiplier == "1"


def test_fields_in_redis_that_cannot_be_used_are_told_and_left_out() -> None:
    good = b'{"multiplier":"1000.0","asset":"PEPE","by":"scanner","at":7}'
    found, wrong = checked({b"A": good, b"B": b"{", b"C": b'{"multiplier":"3","asset":"X"}', b"D": b'{"asset":"X"}'})
    assert found == {"A": Checked(multiplier="1000", asset="PEPE", by="scanner", at=7)}
    assert [sentence.partition("=")[0] for sentence in wrong] == ["B", "C: multiplier", "D"]


@given(st.sampled_from(["1", "10", "1000", "1000000", "0.001", "2", "0.25"]), st.decimals(0, 10**6, places=6))
def test_a_multiplier_there_and_back_changes_nothing_in_value(multiplier: str, step: Decimal) -> None:
    one = instrument("X", tick_size=f"{step:f}", lot_size=f"{step:f}")
    made = rescaled(one, multiplier)
    assert Decimal(made.tick_size or "") * Decimal(multiplier) == step
    assert Decimal(made.lot_size or "") == step * Decimal(multiplier)
    back = rescaled(made, "1")
    assert (Decimal(back.tick_size or ""), Decimal(back.lot_size or "")) == (step, step)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        *[("1000", "1000"), ("1000.0", "1000"), ("0.001", "0.001"), ("2.5", "2.5"), ("0", None), ("3", None)],
        *[("-1", None), ("1e3", None), ("", None), ("ten", None), ("0.0", None), ("9" * 19, None)],
    ],
)
def test_a_multiplier_is_a_number_by_which_prices_divide_exactly(text: str, kept: str | None) -> None:
    assert multiplier_of(text) == kept


def test_what_frames_mean_changes_with_symbol_multiplier_and_contract() -> None:
    old = [instrument("A"), instrument("B"), instrument("C"), instrument("D")]
    new = [
        instrument("A", native="A-USDT-perp", symbol="A2/USDT:USDT"),
        instrument("B", multiplier="1000"),
        instrument("C", status="halted"),
        instrument("E"),
    ]
    assert read_anew(old, new) == [("A/USDT:USDT", "A2/USDT:USDT"), ("B/USDT:USDT", "B/USDT:USDT")]


FILE = """
[[instrument]]
venue = "fake"
native = "NEW"
market = "perp"
asset = "PEPE2"
multiplier = 1000

[[instrument]]
venue = "fake"
native = "NEW"
market = "spot"
multiplier = 0.001

[[instrument]]
venue = "other"
native = "NEW"
trust = true
"""


def test_a_file_is_read() -> None:
    assert parse(FILE, VENUES) == (
        entry(market="perp", asset="PEPE2", multiplier="1000"),
        entry(market="spot", multiplier="0.001"),
        entry(venue="other", trust=True),
    )
    assert parse("", VENUES) == ()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["asset = 'X'"], ["instrument 1, venue=None: expected a value"]),
        (["venue = 'fake'", "trust = true"], ["instrument 1, native=None: expected a value"]),
        (["venue = 'fyke'", "native = 'A'", "trust = true"], ["venue='fyke'", "one of fake, other"]),
        (["venue = 'fake'", "native = 'A'"], ["instrument 1='A'", "at least one of asset, multiplier"]),
        (["venue = 'fake'", "native = 'A'", "asset = 'x'"], ["asset='x'", "capitals"]),
        (["venue = 'fake'", "native = 'A'", "asset = 'X/Y'"], ["asset='X/Y'"]),
        (["venue = 'fake'", "native = 'A'", "multiplier = 3"], ["multiplier=3", "divide exactly"]),
        (["venue = 'fake'", "native = 'A'", "multiplier = true"], ["multiplier=True"]),
        (["venue = 'fake'", "native = 'A'", "trust = false"], ["trust=False: expected true"]),
        (["venue = 'fake'", "native = 'A'", "quarantine = ''"], ["quarantine=''", "a reason"]),
        (["venue = 'fake'", "native = 'A'", "quarantine = 'collision'"], ["quarantine='collision'"]),
        (["venue = 'fake'", "native = 'A'", "market = 'swap'", "trust = true"], ["market='swap'", "one of spot, perp"]),
        (["venue = 'fake'", "native = 'A'", "assets = 'X'"], ["assets='X'", "fields out of venue, native"]),
        (["venue = 'fake'", "native = 'A'", "trust = true", "quarantine = 'x'"], ["trust=True"]),
        (["venue = "], ["a file in TOML"]),
    ],
)
def test_a_wrong_entry_names_its_field_its_value_and_what_was_expected(lines: Sequence[str], said: list[str]) -> None:
    with pytest.raises(SettingError) as caught:
        parse("\n".join(["[[instrument]]", *lines]), VENUES, "mine.toml")
    assert str(caught.value).startswith("mine.toml")
    for part in said:
        assert part in str(caught.value)


@pytest.mark.parametrize("text", ["instrument = 5", "instrument = ['a']", "[other]\na = 1"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        parse(text, VENUES)


@pytest.mark.parametrize(("one", "other"), [(None, None), (None, "spot"), ("spot", "spot")])
def test_two_entries_for_one_instrument_are_refused(one: str | None, other: str | None) -> None:
    text = "".join(
        "[[instrument]]\nvenue = 'fake'\nnative = 'A'\ntrust = true\n" + (f"market = '{market}'\n" if market else "")
        for market in (one, other)
    )
    with pytest.raises(SettingError, match="one entry an instrument"):
        parse(text, VENUES)
