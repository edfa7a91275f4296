from decimal import Decimal

import pytest

from services.api.symbols import Directory, exchange_id
from tests.api.market import instrument

LISTINGS = {
    "binance": [
        instrument("binance"),
        instrument("binance", "spot"),
        instrument("binance", quote="USDC"),
        instrument("binance", base="PEPE", native="1000PEPEUSDT", multiplier="1000"),
        instrument("binance", base="OLD", status="delisting"),
        instrument("binance", base="EUR", quote="TRY"),
    ],
    "okx": [instrument("okx", native="BTC-USDT-SWAP"), instrument("okx", base="PEPE", native="PEPE-USDT-SWAP")],
}


@pytest.fixture
def directory() -> Directory:
    return Directory(LISTINGS, 1)


@pytest.mark.parametrize(
    "text", ["btc", "BTC", " btc ", "BTC/USDT", "btcusdt", "BTC/USDT:USDT", "BTC-USDT-SWAP", "btcusdc"]
)
def test_a_coin_goes_by_many_names(directory: Directory, text: str) -> None:
    assert directory.asset_of(text) == "BTC"


@pytest.mark.parametrize("text", ["", "nosuch", "BTCUSD", "BTC/", "EURTRY", "1000"])
def test_names_are_looked_up_never_guessed(directory: Directory, text: str) -> None:
    assert directory.asset_of(text) is None


def test_a_pair_is_normalised_and_a_native_id_keeps_its_scale(directory: Directory) -> None:
    pair, native = directory.targets("pepeusdt"), directory.targets("1000PEPEUSDT")
    assert [(one.exchange, one.name, one.scale) for one in pair] == [
        ("binancef", "PEPEUSDT", Decimal(1)),
        ("okxf", "PEPEUSDT", Decimal(1)),
    ]
    assert [(one.exchange, one.name, one.scale) for one in native] == [("binancef", "1000PEPEUSDT", Decimal(1000))]
    assert (native[0].price("0.0000123"), native[0].size("5000")) == ("0.0123000", "5")
    assert (pair[0].price("0.00001230"), pair[0].size("5000.0")) == ("0.00001230", "5000.0")


def test_exchange_ids_are_the_venue_and_the_venue_with_an_f(directory: Directory) -> None:
    assert directory.exchange_ids() == ["binance", "binancef", "okxf"]
    assert exchange_id("okx", "spot") == "okx"
    assert directory.exchanges["binance_futures"] == ("binance", "perp")
    assert [one.exchange for one in directory.targets("BTCUSDT")] == ["binance", "binancef", "okxf"]
    assert [one.exchange for one in directory.targets("BTCUSDT", ["okxf", "binance_perp"])] == ["okxf", "binancef"]


def test_a_venue_whose_name_ends_in_f_is_not_taken_for_another_ones_perpetuals() -> None:
    both = Directory({"ab": [instrument("ab")], "abf": [instrument("abf", "spot")]})
    assert both.exchanges["abf"] == ("abf", "spot")
    assert both.exchanges["ab_perp"] == ("ab", "perp")


def test_quotes_other_than_dollars_take_no_part(directory: Directory) -> None:
    assert "EUR" not in directory.assets
    assert "OLD" in directory.assets
    assert list(directory.names_on("binance", "perp")) == ["BTCUSDT", "PEPEUSDT", "BTCUSDC"]
    assert Directory().empty
