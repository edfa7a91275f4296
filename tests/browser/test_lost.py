"""What the console says when its server goes away, and how it comes back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from deploy.local.process import free_port
from services.api.app import create
from services.api.server import listen, server_for
from shared import bus
from shared.bus import Redis
from shared.config import Settings
from tests.api.market import put_board, put_health
from tests.browser.rows import rows, spread


class Restartable:
    """An API on one port that can be taken away and brought back."""

    def __init__(self, redis_url: str) -> None:
        self.settings = Settings(mode="demo", port=free_port(), redis_url=redis_url)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def up(self) -> None:
        self.client = bus.connect(self.settings.redis)
        app = create(self.settings, self.client)
        self.server = server_for(app)
        self.task = asyncio.create_task(self.server.serve(listen(self.settings)))
        async with asyncio.timeout(60):
            while not (self.server.started and len(app.state.context.state.board.rows) >= len(rows())):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def down(self) -> None:
        self.server.should_exit = True
        await self.task
        await self.client.aclose()


@pytest.fixture
async def api(redis_url: str, redis_client: Redis) -> AsyncIterator[Restartable]:
    await put_health(redis_client, "_scanner")
    await put_health(redis_client, "okx")
    await put_board(redis_client, *rows())
    api = Restartable(redis_url)
    await api.up()
    yield api
    await api.down()


async def test_a_frozen_screen_says_since_when_and_comes_back_by_itself(
    browser: Browser, api: Restartable, redis_client: Redis
) -> None:
    page = await browser.new_page()
    await page.goto(api.base)
    net = page.locator("#row-WIF [data-column=net]")
    await expect(net).to_have_text("+51.8")
    await expect(page.locator("#banner")).to_be_hidden()
    await api.down()
    await expect(page.locator("#banner")).to_contain_text("Connection lost · data as of")
    await expect(page.locator(".live")).to_contain_text("OFFLINE")
    await expect(page.locator("body")).to_have_class("frozen")
    await expect(net).to_have_text("+51.8")
    await put_board(redis_client, spread("WIF", "80.00", "70.00", ver=2, price="2.1450"))
    await api.up()
    await expect(page.locator("#banner")).to_be_hidden()
    await expect(net).to_have_text("+60.0")
    await page.close()


async def test_a_board_that_nobody_keeps_up_is_called_stale(
    browser: Browser, api: Restartable, redis_client: Redis
) -> None:
    page = await browser.new_page()
    await page.goto(api.base)
    await expect(page.locator("#row-WIF")).to_be_visible()
    await redis_client.delete("health:_scanner:m1")
    await expect(page.locator("#banner")).to_contain_text("Nobody keeps the board up")
    await expect(page.locator(".live")).to_contain_text("STALE")
    await put_health(redis_client, "_scanner")
    await expect(page.locator("#banner")).to_be_hidden()
    await page.close()
