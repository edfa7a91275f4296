"""Where traffic goes when VENUE_GATEWAY is set."""

import pytest

from services.collector.gateway import routed


@pytest.mark.parametrize(
    ("url", "gateway", "expected"),
    [
        ("wss://a.test:9443/stream", "", "wss://a.test:9443/stream"),
        ("wss://a.test:9443/stream", "http://127.0.0.1:8900", "ws://127.0.0.1:8900/a.test/stream"),
        ("https://a.test/api?x=1&y=2", "http://127.0.0.1:8900/", "http://127.0.0.1:8900/a.test/api?x=1&y=2"),
        ("wss://a.test/ws", "https://gate.test", "wss://gate.test/a.test/ws"),
    ],
)
def test_a_gateway_takes_the_host_into_the_path(url: str, gateway: str, expected: str) -> None:
    assert routed(url, gateway) == expected
