"""The channels of a deployment: `name=address`, from `ALERT_CHANNELS` and `ALERT_CHANNELS_FILE`.

    ops=https://example.org/hook#KEY             a webhook, signed with KEY (what follows # is never sent)
    team=lark://TOKEN#SECRET  cn=feishu://TOKEN  a bot of Lark or Feishu, with the secret of its signature if it has one
    phone=tgram://BOT_TOKEN/CHAT_ID              Telegram; and Discord, Slack, e-mail, … as Apprise writes them

Addresses are secrets: they stand in no log, no answer and no record. One that cannot be used does not keep the others
from working; it is told with its name, and what was expected.
"""

import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from services.alerter.message import Message, NotDelivered, Sender
from services.alerter.senders.bots import HOSTS, PATH
from shared.alert_rules import is_name
from shared.config import SettingError, Settings

LOG: Final = logging.getLogger(__name__)
MOST: Final = 20
#: A webhook's key shorter than this could be guessed.
KEY_CHARS: Final = 16
EXPECTED: Final = "an address as docs/alerts.md has them"


#: Libraries that log addresses, which here are secrets.
LOUD: Final = ("urllib3", "requests", "apprise", "requests_oauthlib", "oauthlib")


def hush() -> None:
    """Let no library of the channels say anything: what went wrong is told by `NotDelivered`, without addresses."""
    for name in LOUD:
        loud = logging.getLogger(name)
        loud.propagate = False
        loud.addHandler(logging.NullHandler())
    threading.excepthook = _name_only


def _name_only(found: threading.ExceptHookArgs) -> None:
    """A fault in a channel's thread: its message may hold the address."""
    LOG.error("a channel's plugin failed: %s", found.exc_type.__name__)


class Unusable(msgspec.Struct, frozen=True):
    """A channel that cannot be used, and what was expected."""

    name: str
    expected: str


class Channel:
    """One channel that can be used."""

    def __init__(self, name: str, sender: Sender, address: str) -> None:
        self.name, self.kind = name, sender.kind
        self._sender = sender
        self._secrets = secrets_of(address)

    def send(self, message: Message) -> None:
        """Blocks. Raises `NotDelivered` with a reason that holds no secret."""
        try:
            self._sender.send(message)
        except NotDelivered as error:
            raise NotDelivered(self.hidden(str(error)), error.again_s) from None

    def hidden(self, text: str) -> str:
        """The text without any part of the address, on one line, of bounded length."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())[:200]


def secrets_of(address: str) -> list[str]:
    """Every part of an address that may be secret, the longest first."""
    rest = address.partition("://")[2]
    parts = {part for part in re.split(r"[/@:?&=#,]", rest) if len(part) >= 4}
    return sorted({*parts, *(unquote(part) for part in parts), rest, address} - {""}, key=len, reverse=True)


def entries(settings: Settings) -> Iterator[tuple[str, str]]:
    """(name, address) of everything that is given; the name is empty where there is none. Raises `SettingError`."""
    given = settings.alert_channels.split()
    if settings.alert_channels_file:
        try:
            lines = Path(settings.alert_channels_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            expected = f"a file that can be read ({type(error).__name__})"
            raise SettingError("ALERT_CHANNELS_FILE", settings.alert_channels_file, expected) from None
        given += [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    for one in given:
        name, equals, address = one.partition("=")
        yield (name.strip().lower(), address.strip()) if equals and "://" not in name else ("", "")


def channels(settings: Settings) -> tuple[dict[str, Channel], list[Unusable]]:
    """The channels by name, and what cannot be used."""
    found: dict[str, Channel] = {}
    unusable: list[Unusable] = []
    for number, (name, address) in enumerate(entries(settings), 1):
        if not is_name(name):
            unusable.append(Unusable(f"number {number}", "name=address, the name of small letters, digits and hyphens"))
        elif name in found or len(found) >= MOST:
            unusable.append(Unusable(name, f"a name that no other channel has, {MOST} channels at most"))
        else:
            made = _channel(name, address, settings.alert_gateway)
            if isinstance(made, Channel):
                found[name] = made
            else:
                unusable.append(Unusable(name, made))
    return found, unusable


def _channel(name: str, address: str, gateway: str) -> Channel | str:
    """The channel, or what was expected instead."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return EXPECTED
    if parts.scheme in HOSTS:
        token = address.partition("://")[2].partition("#")[0].strip("/")
        return _bot(name, parts.scheme, token, parts.fragment, address, gateway)
    if parts.scheme in ("http", "https"):
        bot = next((kind for kind, known in HOSTS.items() if known == host), None)
        if bot is not None and parts.path.startswith(PATH):
            return _bot(name, bot, parts.path.removeprefix(PATH).strip("/"), parts.fragment, address, gateway)
        if parts.fragment:
            return _webhook(name, address, host, parts.fragment, gateway)
    # what speaks to channels is loaded where there are some: together it takes more memory than all the rest
    from services.alerter.senders.library import Library, NoSuchChannel

    try:
        return Channel(name, Library(address, gateway), address)
    except NoSuchChannel:
        webhook = parts.scheme in ("http", "https")
        return "a webhook's address with #KEY behind it, which signs" if webhook else EXPECTED


def _webhook(name: str, address: str, host: str, key: str, gateway: str) -> Channel | str:
    from services.alerter.senders.webhook import Webhook

    if not host:
        return "a webhook's address with a host"
    if len(key) < KEY_CHARS:
        return f"a key of at least {KEY_CHARS} characters behind the #"
    return Channel(name, Webhook(address.partition("#")[0], unquote(key), gateway), address)


def _bot(name: str, kind: str, token: str, secret: str, address: str, gateway: str) -> Channel | str:
    from services.alerter.senders.lark import Lark

    if not re.fullmatch(r"[A-Za-z0-9_-]+", token):
        return f"{kind}://TOKEN, or {kind}://TOKEN#SECRET where the bot wants a signature"
    return Channel(name, Lark(kind, token, unquote(secret), gateway), address)
