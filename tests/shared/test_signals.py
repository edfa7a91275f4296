"""What the scanner writes, as others read it."""

import msgpack
import msgspec

from shared.signals import BoardRow, Leg


def test_a_row_is_a_map_with_the_names_of_its_fields_and_survives_newer_ones() -> None:
    leg = Leg(venue="sim", market="spot", symbol="BTC/USDT", native="BTCUSDT", state="ok", bid="1.50")
    row = BoardRow(asset="BTC", fence=3, ver=7, at=5, legs=(leg,), best=None, why="one leg")
    value = msgpack.unpackb(msgspec.msgpack.encode(row))
    assert (value["asset"], value["fence"], value["ver"], value["legs"][0]["bid"]) == ("BTC", 3, 7, "1.50")
    value["from_later"] = {"more": 1}
    assert msgspec.msgpack.decode(msgpack.packb(value), type=BoardRow) == row
