"""A signed webhook: a POST of JSON whose receiver can tell that it is ours, unchanged and fresh.

1. `X-Parallax-Timestamp` is the time of sending, seconds since the epoch.
2. `X-Parallax-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal, of `<timestamp>.<body>` under the key.
3. `X-Parallax-Delivery` names the message: one that is tried again keeps its name.

How to verify it: docs/alerts.md.
"""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256

import msgspec

from services.alerter.message import Message
from services.alerter.senders import http


def signature(key: str, timestamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


class Webhook:
    kind = "webhook"

    def __init__(self, url: str, key: str, gateway: str = "", clock: Callable[[], float] = time.time) -> None:
        self._url, self._key, self._clock = http.through(gateway, url), key, clock

    def send(self, message: Message) -> None:
        body = msgspec.json.encode({"id": message.id, "title": message.title, "text": message.body, **message.payload})
        timestamp = str(int(self._clock()))
        headers = {
            "X-Parallax-Timestamp": timestamp,
            "X-Parallax-Signature": signature(self._key, timestamp, body),
            "X-Parallax-Delivery": message.id,
        }
        http.post(self._url, body, headers)
