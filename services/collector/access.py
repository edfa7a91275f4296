"""Who we are to a venue that knows its users: one login, carried by every REST call and socket from then on.

Without a login of the record there is nothing to carry. One that fails is said once; what is public goes on without
it, and the next need after a while tries again. No secret is logged, nor part of an address.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import time_ns
from typing import Any, Final

from services.collector.pacing import SECOND
from services.collector.venue import Login

#: after a login that failed
AGAIN: Final = 300 * SECOND

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a login: header names in small letters, and the cookies it sets. `refusal`: why there is none."""

    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    refusal: str = ""


class Access:
    """What every call and socket of one venue carries. `post` sends the login; it does not raise for a refusal."""

    def __init__(self, name: str, login: Login | None, post: Callable[[Login], Awaitable[Reply]]) -> None:
        self._name, self._login, self._post = name, login, post
        self._headers: Mapping[str, str] = {}
        self._due = 0
        self._failed = False
        self._lock = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """The headers to carry: none without a login, or where it fails."""
        if self._login is None:
            return self._headers
        async with self._lock:
            if time_ns() >= self._due:
                await self._renew(self._login)
        return self._headers

    def forget(self) -> None:
        """The venue did not take them: log in anew at the next need."""
        if self._headers:
            self._headers, self._due = {}, 0

    async def _renew(self, login: Login) -> None:
        reply = await self._post(login)
        session = None if reply.refusal else login.session(reply.headers, reply.cookies)
        if session is None:
            if not self._failed:
                why = reply.refusal or login.closed
                log.warning("%s: no login, going on with what is public: %s", self._name, why)
            self._headers, self._failed, self._due = {}, True, time_ns() + AGAIN
            return
        log.info("%s: logged in", self._name)
        self._headers, self._failed, self._due = session, False, time_ns() + int(login.lifetime_s * SECOND)


async def family_first(host: str, port: int) -> dict[str, Any]:
    """What a socket's dial is told, so that it takes an address of the fourth version where the host has one."""
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError:
        return {}
    return {"family": socket.AF_INET}
