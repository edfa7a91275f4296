"""The plain page."""

from playwright.async_api import expect

from tests.api.market import put_board, put_signals, signal
from tests.browser.conftest import PHONE, Open
from tests.browser.rows import spread


async def test_the_plain_page_polls_the_same_table_without_a_socket(console: Open) -> None:
    page = await console("/simple", viewport=PHONE)
    sockets: list[str] = []
    page.page.on("websocket", lambda socket: sockets.append(socket.url))
    first = page.page.locator("#rows tr").first
    await expect(first).to_contain_text("WIF")
    await expect(first.locator(".net")).to_have_text("+51.8")
    await expect(page.page.locator("#rows tr.line")).to_contain_text("1 of 4 pays after fees")
    await expect(page.page.locator("#rows")).to_contain_text("0.0000046675")
    await expect(page.page.locator("#stripe")).to_contain_text("模拟行情，非真实市场")
    await put_board(page.redis, spread("WIF", "80.00", "70.00", ver=2, price="2.1450"))
    await put_signals(page.redis, signal("s1"))
    await expect(first.locator(".net")).to_have_text("+60.0")
    await expect(page.page.locator("#signals-title")).to_have_text("Signals open: 1")
    assert sockets == []
    assert await page.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_the_plain_page_speaks_chinese(console: Open) -> None:
    page = await console("/simple?lang=zh")
    await expect(page.page.locator("#head")).to_contain_text("净价差")
