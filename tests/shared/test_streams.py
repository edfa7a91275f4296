"""Names of keys: promises to whoever reads Redis."""

from shared import streams


def test_keys_have_the_documented_form() -> None:
    assert streams.market_data(3, "okx", "quote") == "md:{3}:okx:quote"
    assert streams.last(0, "okx", "mark") == "last:{0}:okx:mark"
    assert streams.control(2) == "md:{2}:_ctl:x"
    assert streams.signals(1) == "signals:{1}"
    assert (streams.scan(1), streams.open_signals(1)) == ("scan:{1}", "open:{1}")
    assert streams.instruments("okx") == "instruments:okx"
    assert streams.health("_api", "m-1") == "health:_api:m-1"
    assert (streams.members("okx"), streams.owners("okx")) == ("members:okx", "owners:okx")
    assert streams.demand("okx", "trade") == "demand:okx:trade"
    assert (streams.BOARD, streams.BOARD_CHANGES) == ("board", "{board}:changes")
    assert (streams.CONFIG, streams.CONFIG_CHANGES) == ("config", "{config}:changes")
    assert streams.CONFIG_GOOD == "{config}:good"


def test_a_partition_is_the_unsigned_crc32_of_the_asset() -> None:
    assert streams.partition_of("PEPE", 1 << 32) == 538277854
    assert streams.partition_of("PEPE", 16) == 538277854 % 16
    assert {streams.partition_of(asset, 1) for asset in ("BTC", "ETH", "1INCH", "币安人生")} == {0}


def test_a_bucket_is_one_of_sixty_four() -> None:
    found = {streams.bucket_of(f"C{number}/USDT:USDT") for number in range(2000)}
    assert found == set(range(64))
