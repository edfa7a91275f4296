"""Every other channel, through Apprise: Telegram, Discord, Slack, e-mail, and what else it knows.

Its plugins block and tell no more than whether they were content; why they were not stands in what they log, which is
taken here and nowhere else (`channels.hush`), and may hold addresses: `Channel` takes them out.
"""

import re
import warnings
from typing import Any, Final

import apprise

from services.alerter.message import Message, NotDelivered
from services.alerter.senders.http import TIMEOUT_S, through
from shared.alerts import Severity

_TYPES: Final[dict[Severity, apprise.NotifyType]] = {
    "info": apprise.NotifyType.INFO,
    "warning": apprise.NotifyType.WARNING,
    "critical": apprise.NotifyType.FAILURE,
}
#: How Telegram says when there is room again.
_AGAIN: Final = re.compile(r"retry after ([0-9]{1,6})", re.IGNORECASE)
#: Where a plugin keeps the address that a gateway stands in for.
_ADDRESSES: Final = {"NotifyTelegram": "notify_url", "NotifyDiscord": "notify_url", "NotifySlack": "webhook_url"}
#: Plugins that send without any address of the web.
_MAIL: Final = frozenset({"NotifyEmail"})


class NoSuchChannel(ValueError):
    """The library knows no such address."""


class Library:
    """One address of Apprise's."""

    def __init__(self, url: str, gateway: str = "") -> None:
        # without a time limit of its own it works in the thread that calls it; with one it would use threads for whose
        # end a stop waits
        about: Any = {"app_id": "Parallax", "app_desc": "Parallax", "app_url": ""}
        about |= {"image_url_mask": "", "image_url_logo": ""}  # else the receivers load the library's own pictures
        asset = apprise.AppriseAsset(**about, async_mode=False, service_timeout=0)
        with warnings.catch_warnings():
            # its mail plugin looks for a module that Python 3.13 has dropped, and stands in for it there
            warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)
            plugin: Any = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if plugin is None:
            raise NoSuchChannel
        plugin.socket_connect_timeout, plugin.socket_read_timeout = TIMEOUT_S
        plugin.redirects, plugin.retry = False, 0
        name = type(plugin).__name__
        if gateway and name not in _MAIL:
            if name not in _ADDRESSES:
                raise NoSuchChannel
            setattr(plugin, _ADDRESSES[name], through(gateway, getattr(plugin, _ADDRESSES[name])))
        self.kind = name.removeprefix("Notify").lower()
        self._plugins = apprise.Apprise(asset=asset)
        self._plugins.add(plugin)

    def send(self, message: Message) -> None:
        result: Any = self._plugins.notify(
            body=message.body,
            title=message.title,
            notify_type=_TYPES[message.severity],
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not result:
            said = [str(entry.message) for entry in result.logs()]
            reason = said[-1] if said else "not delivered"
            again = _AGAIN.search(reason)
            raise NotDelivered(reason, float(again[1]) if again else None)
