import pytest

from services.simulator.binance.recorded import family


@pytest.mark.parametrize(
    ("host", "text", "expected"),
    [
        ("", b'{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"1"}', "futures/btcusdt@bookTicker"),
        ("", b'{"u":1,"s":"BTCUSDT","b":"1"}', "spot/btcusdt@bookTicker"),
        ("perp_public/1", b'{"u":1,"s":"BTCUSDT","b":"1"}', "futures/btcusdt@bookTicker"),
        ("", b'{"e":"aggTrade","s":"BTCUSDT","a":1,"M":true}', "spot/btcusdt@aggTrade"),
        ("", b'{"e":"aggTrade","s":"BTCUSDT","a":1}', "futures/btcusdt@aggTrade"),
        ("", b'{"e":"depthUpdate","s":"BTCUSDT","u":1,"pu":0}', "futures/btcusdt@depth"),
        ("fstream.binance.com", b'[{"e":"markPriceUpdate","s":"BTCUSDT"}]', "futures/!markPrice@arr"),
        (
            "",
            b'{"stream":"a@markPrice@1s","data":{"e":"markPriceUpdate","s":"A"}}',
            "futures/a@markPrice",
        ),
    ],
)
def test_a_frame_tells_what_it_is_of(host: str, text: bytes, expected: str) -> None:
    found = family(host, text)
    assert found is not None
    assert found[0] == expected
