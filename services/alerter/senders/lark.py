"""The custom bots of Lark and Feishu.

A bot answers HTTP 200 also to what it refuses: a wrong signature (19021), an address that is not allowed (19022), a
keyword that is missing (19024), too many messages (11232). The answer's `code` says so, so it is read. The signature
is base64 of HMAC-SHA256 over nothing, under the key `<timestamp>\\n<secret>`.
https://open.larksuite.com/document/client-docs/bot-v3/add-custom-bot (2026-11-21)
"""

import hmac
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec

from services.alerter.message import Message, NotDelivered
from services.alerter.senders import http
from services.alerter.senders.bots import HOSTS, PATH
from shared import decoding

#: A message may have 20 KB.
TEXT_CHARS: Final = 4_000
_BUSY: Final = 11232
_answer: Final[decoding.Decoder[dict[str, Any]]] = decoding.json(dict[str, Any])


def sign(secret: str, timestamp: str) -> str:
    return b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", sha256).digest()).decode()


class Lark:
    def __init__(
        self, kind: str, token: str, secret: str, gateway: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.kind, self._secret, self._clock = kind, secret, clock
        self._url = http.through(gateway, f"https://{HOSTS[kind]}{PATH}{token}")

    def send(self, message: Message) -> None:
        said: dict[str, Any] = {
            "msg_type": "text",
            "content": {"text": f"{message.title}\n{message.body}"[:TEXT_CHARS]},
        }
        if self._secret:
            timestamp = str(int(self._clock()))
            said |= {"timestamp": timestamp, "sign": sign(self._secret, timestamp)}
        answer = http.post(self._url, msgspec.json.encode(said), {})
        try:
            found = _answer.decode(answer)
        except msgspec.DecodeError:
            raise NotDelivered("the answer is not the bot's") from None
        code = found.get("code", found.get("StatusCode"))
        if code != 0:
            raise NotDelivered(
                f"refused with code {code}: {str(found.get('msg', ''))[:100]}", 60.0 if code == _BUSY else None
            )
