"""Signals: their life, and those of one gap together."""

from typing import Any

import msgspec
from playwright.async_api import expect

from tests.api.market import put_signals, signal
from tests.browser.conftest import Open
from tests.browser.rows import now_ns


async def test_signals_show_their_life(console: Open) -> None:
    page = await console("/signals")
    await expect(page.page.locator(".empty")).to_contain_text("No signal yet")
    now = now_ns()
    both: dict[str, Any] = {"first_at": now - 14 * 10**9, "opened_at": now - 12 * 10**9, "at": now}
    await put_signals(page.redis, signal("s1", **both))
    row = page.page.locator("[data-signal=s1]")
    await expect(row).to_contain_text("open")
    await expect(row).to_contain_text("+80.0")
    await expect(page.page.locator(".place .badge:visible")).to_have_text("1")
    await put_signals(page.redis, signal("s1", rev=2, event="close", **both))
    await expect(row).to_contain_text("converged")
    await expect(row).to_contain_text("3s")
    await row.click()
    await expect(page.page.locator(".i-title")).to_contain_text("WIF")


async def test_an_open_signal_marks_its_coin_and_tells_how_long(console: Open) -> None:
    page = await console()
    now = now_ns()
    await put_signals(page.redis, signal("s1", first_at=now - 14 * 10**9, opened_at=now - 12 * 10**9, at=now))
    await expect(page.cell("WIF", "alive")).to_contain_text("1")
    await expect(page.page.locator(".late.open")).to_contain_text("WIF")


def gap(name: str, asset: str, sell: str, net: str, began: int, **fields: Any) -> Any:
    """One of the signals of a gap."""
    made = signal(name, asset=asset, first_at=began, opened_at=began + 2 * 10**9, at=began + 3 * 10**9, **fields)
    figures = {"net_open_bps": net, "peak_net_bps": net, "peak_edge_bps": net}
    return msgspec.structs.replace(made, sell=msgspec.structs.replace(made.sell, venue=sell), **figures)


async def test_signals_of_one_gap_are_one_line_that_unfolds(console: Open) -> None:
    page = await console("/signals")
    now = now_ns()
    await put_signals(
        page.redis,
        gap("w1", "WIF", "okx", "50.00", now - 20 * 10**9),
        gap("w2", "WIF", "bybit", "70.00", now - 18 * 10**9),
        gap("w3", "WIF", "gate", "20.00", now - 19 * 10**9),
        gap("e1", "ETH", "okx", "30.00", now - 9 * 10**9),
    )
    lines = page.page.locator("tr[data-line]")
    await expect(lines).to_have_count(2)
    await expect(page.page.get_by_role("tab").nth(0)).to_have_text("All 2 · 4 signals")
    await expect(page.page.get_by_role("tab").nth(1)).to_have_text("Open 2 · 4 signals")
    await expect(page.page.locator(".place .badge:visible")).to_have_text("2")
    coin = lines.filter(has_text="WIF")
    await expect(coin).to_contain_text("×3")
    await expect(coin).to_contain_text("bybit")
    await expect(coin).to_have_attribute("aria-expanded", "false")
    await coin.click()
    await expect(coin).to_have_attribute("aria-expanded", "true")
    await expect(lines).to_have_count(5)
    sides = page.page.locator("tr.child td:nth-child(5) .venue")
    await expect(sides).to_have_text(["bybit", "okx", "gate"])
    await put_signals(page.redis, gap("w2", "WIF", "bybit", "70.00", now - 18 * 10**9, rev=2, event="close"))
    await expect(coin).to_contain_text("open 2/3")
    await expect(sides).to_have_text(["okx", "gate", "bybit"])
    await page.page.locator(".lang").click()
    await expect(page.page.get_by_role("tab").nth(1)).to_have_text("进行中 2 · 3 个信号")
    await expect(coin).to_contain_text("进行中 2/3")
    await lines.filter(has_text="ETH").click()
    await expect(page.page.locator(".i-title")).to_contain_text("ETH")


async def test_groups_of_signals_open_and_close_by_keyboard(console: Open) -> None:
    page = await console("/signals")
    now = now_ns()
    await put_signals(
        page.redis,
        gap("w1", "WIF", "okx", "50.00", now - 20 * 10**9),
        gap("w2", "WIF", "bybit", "70.00", now - 18 * 10**9),
        gap("e1", "ETH", "okx", "30.00", now - 30 * 10**9),
    )
    lines, keys = page.page.locator("tr[data-line]"), page.page.keyboard
    await expect(lines).to_have_count(2)
    await keys.press("j")
    await expect(lines.nth(0)).to_be_focused()
    await keys.press("ArrowRight")
    await expect(lines).to_have_count(4)
    await keys.press("j")
    await keys.press("ArrowDown")
    await expect(lines.nth(2)).to_be_focused()
    await expect(lines.nth(2)).to_contain_text("okx")
    await keys.press("ArrowLeft")
    await expect(lines).to_have_count(2)
    await expect(lines.nth(0)).to_be_focused()
    await keys.press("Enter")
    await expect(lines).to_have_count(4)
    await keys.press("j")
    await keys.press("Enter")
    await expect(page.page.locator(".i-title")).to_contain_text("WIF")
