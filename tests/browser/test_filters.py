"""Filters: each coin by the best of the routes that fit."""

import re
from typing import Any

from playwright.async_api import expect

from tests.api.market import instrument, leg, put_board, put_health, put_instruments, route, row
from tests.browser.conftest import Open
from tests.browser.rows import now_ns

#: What was told last: a toast is gone after a moment.
KEEP_TOLD = """new MutationObserver(() => {
    const toast = document.querySelector(".toast");
    if (toast) document.documentElement.dataset.told = toast.textContent;
}).observe(document, { childList: true, subtree: true });"""


async def test_a_filter_shows_the_next_best_route(console: Open) -> None:
    page = await console()
    now = now_ns()
    known: dict[str, Any] = {"recv": now, "ts": now}
    legs = (
        leg("binance", base="ARB", bid="99.90", ask="100.00", **known),
        leg("bybit", base="ARB", bid="100.50", ask="100.60", **known),
        leg("okx", base="ARB", bid="101.00", ask="101.10", **known),
    )
    best = route(legs[0], legs[2], edge="100.00", net="90.00", net_in_out_bps="80.00")
    await put_board(page.redis, row("ARB", legs=legs, best=best, at=now))
    for venue in ("binance", "bybit", "okx"):
        await put_instruments(page.redis, instrument(venue, base="ARB", taker_fee_bps="5"))
    await put_health(page.redis, "bybit")
    await page.api.until(lambda: len(page.api.context.state.directory.instruments) == 3)
    await expect(page.cell("ARB", "sell")).to_contain_text("okx")
    await page.page.locator(".dropdown summary").click()
    menu = page.page.locator(".menu")
    await expect(menu.get_by_label("Bybit")).to_be_checked()
    await menu.get_by_label("OKX").uncheck()
    await expect(page.cell("ARB", "sell")).to_contain_text("bybit")
    await expect(page.cell("ARB", "net")).to_have_text("+30.0")
    assert await page.shown() == ["ARB", "#line"]
    await expect(page.page).to_have_url(page.api.base + "/?venues=binance,bybit")
    await menu.get_by_role("button", name="none").click()
    await expect(page.page.locator(".empty")).to_contain_text("No coin passes these filters")
    await menu.get_by_role("button", name="all").click()
    await expect(page.cell("ARB", "sell")).to_contain_text("okx")
    await page.page.locator("select").select_option("spot-spot")
    await expect(page.page.locator(".empty")).to_contain_text("No coin passes these filters")
    await page.page.locator(".empty button").click()
    await expect(page.row("ARB")).to_be_visible()


async def test_what_has_no_route_within_the_filter_is_counted_and_says_why(console: Open) -> None:
    page = await console("/?venues=okx")
    await expect(page.page.locator(".empty")).to_contain_text("5 coins in view, none with a route just now")
    await page.page.get_by_role("button", name="Show them with their reasons").click()
    await expect(page.row("WIF")).to_contain_text("one market only")
    await page.page.get_by_label("hide flagged (5)").check()
    await page.page.get_by_role("button", name="Clear the filters").click()
    await expect(page.row("WIF")).to_be_visible()


async def test_a_coin_outside_the_filter_is_inspected_by_its_best_route_of_all(console: Open) -> None:
    page = await console("/?venues=binance&coin=WIF")
    panel = page.page.locator(".inspector")
    await expect(panel.locator(".i-title")).to_contain_text("WIF binance → okx")
    await expect(panel.locator(".i-title")).to_contain_text("outside the filter")
    await expect(panel.locator(".leg.mine")).to_have_count(2)


async def test_an_exchange_that_is_none_is_told_and_everything_shown(console: Open) -> None:
    page = await console()
    await page.page.add_init_script(KEEP_TOLD)
    await page.page.goto(page.api.base + "/?venues=mtgox,okx")
    told = re.compile("“mtgox” is no exchange here")
    await expect(page.page.locator("html")).to_have_attribute("data-told", told)
    await expect(page.row("WIF")).to_be_visible()
    await expect(page.page).to_have_url(page.api.base + "/")
