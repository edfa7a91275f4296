"""The console in a real Chromium, over the real API and a real Redis with the rows that a test puts there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Request, async_playwright, expect

from shared.bus import Redis
from tests.api.conftest import Api, start
from tests.api.market import put_board, put_health
from tests.browser.chromium import Chromium, NoBrowserError, find
from tests.browser.rows import now_ns, rows

__all__ = ["start"]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
Open = Callable[..., Awaitable["Console"]]

PATIENCE_MS = 60_000

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    """The browser, or a skip that says what was not tested."""
    try:
        return find()
    except NoBrowserError as error:
        pytest.skip(f"NOT TESTED in a browser: there is no Chromium here and none could be had ({error})")


@pytest.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium.path,
            args=["--no-sandbox"],
            env={**_environment(), **chromium.environment},
            timeout=PATIENCE_MS,
        )
        yield launched
        await launched.close()


def _environment() -> dict[str, str | float | bool]:
    import os

    return dict(os.environ)


@dataclass
class Console:
    """One page, and everything that must not happen on it."""

    page: Page
    api: Api
    redis: Redis
    wrong: list[str] = field(default_factory=list)

    def watch(self) -> None:
        def on_request(request: Request) -> None:
            if not request.url.startswith((self.api.base, "data:", "blob:")):
                self.wrong.append(f"request to {request.url}")

        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", on_request)
        self.page.on("websocket", lambda socket: self._socket(socket.url))

    def _heard(self, kind: str, text: str) -> None:
        # What the browser itself says when a server goes away is part of the tests that take it away.
        if kind in ("error", "warning") and "ERR_CONNECTION_REFUSED" not in text and "WebSocket" not in text:
            self.wrong.append(f"console {kind}: {text}")

    def _socket(self, url: str) -> None:
        if not url.startswith(self.api.base.replace("http", "ws", 1)):
            self.wrong.append(f"socket to {url}")

    def row(self, asset: str) -> Any:
        return self.page.locator(f"#row-{asset}")

    def cell(self, asset: str, column: str) -> Any:
        return self.row(asset).locator(f"[data-column={column}]")

    async def shown(self) -> list[str]:
        """The ids of the rows from top to bottom, the line among them."""
        script = """() => [...document.querySelectorAll('.rows > [data-id]:not([hidden])')]
            .map(el => [el.getBoundingClientRect().top, el.dataset.id])
            .sort((a, b) => a[0] - b[0]).map(one => one[1])"""
        found: list[str] = await self.page.evaluate(script)
        return found


@pytest.fixture
async def console(browser: Browser, start: Callable[..., Awaitable[Api]], redis_client: Redis) -> AsyncIterator[Open]:
    """Opens pages; after the test none of them may have complained, or asked anyone but its own server."""
    opened: list[Console] = []

    async def begin(
        path: str = "/", *, market: bool = True, settings: dict[str, Any] | None = None, **context: Any
    ) -> Console:
        api = opened[0].api if opened else await start(**{"mode": "demo", **(settings or {})})
        if market and not opened:
            await put_health(redis_client, "_scanner")
            await put_health(
                redis_client, "binance", frames_per_s="120.5", connections="2", started_ms=str(now_ns() // 10**6)
            )
            await put_health(redis_client, "okx", frames_per_s="80")
            await put_board(redis_client, *rows())
            await api.until(lambda: len(api.context.state.board.rows) >= len(rows()))
            await api.until(lambda: len(api.context.state.processes) >= 3)
        known: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "color_scheme": "dark"}
        page = await (await browser.new_context(**{**known, **context})).new_page()
        page.set_default_timeout(PATIENCE_MS)
        made = Console(page, api, redis_client)
        made.watch()
        opened.append(made)
        await page.goto(api.base + path)
        return made

    yield begin
    for made in opened:
        assert made.wrong == []
        await made.page.context.close()
