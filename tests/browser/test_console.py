"""What a person sees and does in the first minutes, in a real browser."""

import asyncio

from playwright.async_api import expect

from tests.api.market import (
    gone,
    instrument,
    put_board,
    put_changes,
    put_health,
    put_instruments,
)
from tests.browser.conftest import PATIENCE_MS, PHONE, Console, Open
from tests.browser.rows import spread

#: A script that stands in the page itself, as an injected one would.
INLINE = """() => {
    const script = document.createElement("script");
    script.textContent = "window.inlined = true";
    document.body.append(script);
    return window.inlined ?? false;
}"""
WATCH_FLASHES = """cell => {
    window.flashed = [];
    new MutationObserver(() => cell.dataset.flash && window.flashed.push(cell.dataset.flash))
        .observe(cell, { attributeFilter: ["data-flash"] });
}"""
STRIPE = "DEMO · simulated prices, not a market / 模拟行情，非真实市场"


async def test_what_pays_stands_above_the_line_and_the_closest_below(console: Open) -> None:
    page = await console()
    await expect(page.row("WIF")).to_be_visible()
    assert await page.shown() == ["WIF", "#line", "BTC", "ETH", "PEPE"]
    await expect(page.row("line")).to_contain_text("1 of 4 pays after fees")
    await expect(page.cell("WIF", "net")).to_have_text("+51.8")
    await expect(page.cell("BTC", "net")).to_have_text("\u221210.6")
    await expect(page.cell("WIF", "buy")).to_contain_text("binance")
    await expect(page.cell("WIF", "sell")).to_contain_text("okx")
    await expect(page.cell("PEPE", "sell")).to_contain_text("0.0000046675")
    await expect(page.cell("BTC", "fits")).to_have_text("$182k")
    await expect(page.cell("WIF", "carry")).to_have_text("+2.0")


async def test_a_coin_that_nobody_lists_any_more_leaves_the_page(console: Open) -> None:
    page = await console("/coin/WIF")
    await expect(page.row("WIF")).to_be_visible()
    await put_changes(page.redis, gone("WIF", 2))
    await expect(page.row("WIF")).to_be_hidden()
    assert await page.shown() == ["#line", "BTC", "ETH", "PEPE"]


async def test_the_demo_wears_its_stripe_and_the_real_thing_does_not(console: Open) -> None:
    demo = await console()
    await expect(demo.page.locator("#stripe")).to_have_text(STRIPE)
    await expect(demo.page.locator(".live")).to_contain_text("DEMO 2/2")


async def test_live_mode_has_no_stripe(console: Open) -> None:
    live = await console(settings={"mode": "live"})
    await expect(live.page.locator(".live")).to_contain_text("LIVE 2/2")
    await expect(live.page.locator("#stripe")).to_be_hidden()


async def test_a_change_of_the_board_moves_the_figures_on_the_page(console: Open) -> None:
    page = await console()
    await expect(page.cell("WIF", "net")).to_have_text("+51.8")
    await page.cell("WIF", "net").evaluate(WATCH_FLASHES)
    await put_board(page.redis, spread("WIF", "80.00", "70.00", ver=2, price="2.1450"))
    await expect(page.cell("WIF", "net")).to_have_text("+60.0")
    await expect(page.cell("WIF", "net")).not_to_have_attribute("data-flash", "rose")
    assert await page.page.evaluate("window.flashed") == ["rose"]
    await put_board(page.redis, spread("ARB", "95.00", "85.00"))
    await expect(page.row("ARB")).to_be_visible()
    assert (await page.shown())[:3] == ["ARB", "WIF", "#line"]


async def test_rows_do_not_move_under_the_pointer(console: Open) -> None:
    page = await console()
    await page.row("BTC").hover()
    await put_board(page.redis, spread("PEPE", "90.00", "80.00", ver=2, price="0.0000046675"))
    await expect(page.page.locator(".pill")).to_contain_text("1 more pay")
    assert await page.shown() == ["WIF", "#line", "BTC", "ETH", "PEPE"]
    await page.page.locator(".brand").hover()
    await expect(page.row("line")).to_contain_text("2 of 4")
    assert (await page.shown())[:3] == ["PEPE", "WIF", "#line"]


async def test_every_figure_tells_how_it_was_made(console: Open) -> None:
    page = await console()
    await page.cell("WIF", "net").hover()
    await expect(page.cell("WIF", "net")).to_have_attribute(
        "title",
        "Net in+out = gross +71.8 \u2212 fees in 10.0 \u2212 fees out 10.0 = +51.8 bps, prices having met.\n"
        "Leaving this very moment: \u221220.5 bps",
    )


async def test_the_language_changes_in_place_and_is_kept(console: Open) -> None:
    page = await console()
    await expect(page.page.locator(".place").first).to_have_text("Spreads")
    await page.page.locator(".lang").click()
    await expect(page.page.locator(".place").first).to_have_text("价差")
    await expect(page.row("line")).to_contain_text("扣费后为正")
    await expect(page.page.locator("html")).to_have_attribute("lang", "zh-CN")
    await page.page.reload()
    await expect(page.page.locator(".place").first).to_have_text("价差")


async def test_the_language_follows_browser_address_and_deployment(console: Open) -> None:
    chinese = await console(settings={"ui_lang": "zh"}, locale="en-GB")
    await expect(chinese.page.locator(".place").first).to_have_text("价差")
    asked = await console("/?lang=en", locale="zh-CN")
    await expect(asked.page.locator(".place").first).to_have_text("Spreads")


async def test_a_browser_that_speaks_chinese_gets_chinese(console: Open) -> None:
    page = await console(locale="zh-CN")
    await expect(page.page.locator(".place").first).to_have_text("价差")


async def test_what_is_hidden_is_counted_and_says_why_when_shown(console: Open) -> None:
    page = await console()
    box = page.page.get_by_label("hide flagged (2)")
    await box.uncheck()
    await expect(page.row("NEIRO")).to_contain_text("quarantined")
    await expect(page.row("SOLO")).to_contain_text("one market only")
    await expect(page.page).to_have_url(page.api.base + "/?flagged=show")


async def test_the_address_carries_the_view(console: Open) -> None:
    page = await console("/?q=b&size=500&sort=coin&kind=perp-perp&venues=binance,okx")
    await expect(page.row("BTC")).to_be_visible()
    assert await page.shown() == ["BTC"]
    await expect(page.page.locator("input.size")).to_have_value("$500")
    await page.page.locator("input.size").fill("2.5k")
    await page.page.locator("input.size").press("Enter")
    await expect(page.page).to_have_url(page.api.base + "/?q=B&kind=perp-perp&venues=binance,okx&sort=coin&size=2500")


async def test_the_inspector_answers_whether_it_is_real(console: Open) -> None:
    page = await console()
    await page.row("ETH").click()
    panel = page.page.locator(".inspector")
    await expect(panel).to_contain_text("ETH")
    await expect(panel.locator(".checks")).to_contain_text("Same coin: indexes agree (1.0000)")
    await expect(panel.locator(".checks .no")).to_contain_text("Only $640 of your $1k at the top")
    await expect(panel.locator(".leg.mine")).to_have_count(2)
    await expect(page.page).to_have_url(page.api.base + "/?coin=ETH")
    await panel.locator(".close").click()
    await expect(page.page).to_have_url(page.api.base + "/")
    await page.page.goto(page.api.base + "/coin/BTC")
    await expect(panel.locator(".i-title")).to_contain_text("BTC")


async def go(page: Console, key: str, path: str) -> None:
    """Press `g` and the key. They count together where little time is between them: again where it was more."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await page.page.evaluate("location.pathname") != path:
            await page.page.keyboard.press("g")
            await page.page.keyboard.press(key)


async def test_everything_can_be_reached_by_keyboard(console: Open) -> None:
    page = await console()
    await expect(page.row("WIF")).to_be_visible()
    keys = page.page.keyboard
    await keys.press("j")
    await keys.press("j")
    await expect(page.row("BTC")).to_have_class("row  cursor")
    await keys.press("Enter")
    await expect(page.page.locator(".i-title")).to_contain_text("BTC")
    await keys.press("Escape")
    await keys.press("/")
    await keys.type("eth")
    await expect(page.row("ETH")).to_be_visible()
    assert await page.shown() == ["#line", "ETH"]
    await keys.press("Escape")
    await keys.press("?")
    await expect(page.page.locator("dialog")).to_contain_text("go through the rows")
    await keys.press("Escape")
    await go(page, "s", "/signals")
    await go(page, "h", "/status")
    await page.page.go_back()
    await expect(page.page).to_have_url(page.api.base + "/signals")


async def test_a_pause_holds_the_picture_and_says_so(console: Open) -> None:
    page = await console()
    await expect(page.cell("WIF", "net")).to_have_text("+51.8")
    await page.page.keyboard.press(".")
    await expect(page.page.locator("#banner")).to_contain_text("Paused · data as of")
    await put_board(page.redis, spread("WIF", "80.00", "70.00", ver=2, price="2.1450"))
    await expect(page.page.locator("#banner")).to_contain_text("changes since: 1")
    await expect(page.cell("WIF", "net")).to_have_text("+51.8")
    await page.page.keyboard.press(".")
    await expect(page.cell("WIF", "net")).to_have_text("+60.0")
    await expect(page.page.locator("#banner")).to_be_hidden()


async def test_health_names_what_is_wrong(console: Open) -> None:
    page = await console("/status")
    await expect(page.page.locator("#main table").first).to_contain_text("Binance")
    await expect(page.page.locator("#main table").first).to_contain_text("121")
    told = "HTTP 451: not served from this region."
    await put_health(page.redis, "okx", state="blocked", detail=told)
    await expect(page.page.locator("#main table").first).to_contain_text(told)
    await expect(page.page.locator(".live")).to_contain_text("DEMO 1/2 · OKX blocked")
    await expect(page.page.locator("#main")).to_contain_text("Scanner")


async def test_no_exchange_reachable_names_the_way_out(console: Open) -> None:
    page = await console(market=False, settings={"mode": "live"})
    await expect(page.page.locator(".empty")).to_contain_text("No collector has reported yet")
    await put_health(page.redis, "okx", state="blocked", detail="No route to the exchange.")
    await expect(page.page.locator(".empty")).to_contain_text("No exchange can be reached")
    await expect(page.page.locator(".empty code")).to_have_text("make demo")
    await put_health(page.redis, "okx", state="starting", detail="")
    await expect(page.page.locator(".empty")).to_contain_text("Warming up")


async def test_a_phone_gets_cards_and_tabs(console: Open) -> None:
    page = await console(viewport=PHONE, is_mobile=True, has_touch=True)
    card = page.page.locator(".card#row-WIF")
    await expect(card).to_contain_text("+51.8 bps")
    await expect(card).to_contain_text("Buy binance")
    wide = await page.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"]
    await card.tap()
    await expect(page.page.locator(".inspector")).to_be_visible()
    await expect(page.page.locator("#stripe")).to_be_visible()
    await page.page.locator(".inspector .close").tap()
    await page.page.locator(".tab").nth(2).tap()
    await expect(page.page.locator("#main")).to_contain_text("Binance")


async def test_the_page_is_made_of_its_own_files_and_small(console: Open) -> None:
    page = await console()
    await expect(page.row("WIF")).to_be_visible()
    sizes = await page.page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map(one => [one.name, one.encodedBodySize])"
    )
    files = [(name, size) for name, size in sizes if "/api/" not in name]
    assert len(files) > 10
    assert sum(size for _, size in files) <= 90_000
    refused = await page.page.evaluate(INLINE)
    assert refused is False
    page.wrong[:] = [said for said in page.wrong if "Content Security Policy" not in said]


async def test_each_side_of_a_route_leads_to_its_exchange(console: Open) -> None:
    page = await console()
    await put_instruments(page.redis, instrument("binance", base="WIF"))
    await page.api.until(lambda: "WIF" in page.api.context.state.directory.assets)
    await page.row("WIF").click()
    link = page.page.locator(".i-links a")
    await expect(link).to_have_text("Buy: binance ↗")
    await expect(link).to_have_attribute("href", "https://www.binance.com/en/futures/WIFUSDT")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_no_side_leads_to_the_exchange_of_the_coin_before(console: Open) -> None:
    page = await console()
    await put_instruments(page.redis, instrument("binance", base="WIF"))
    await page.api.until(lambda: "WIF" in page.api.context.state.directory.assets)
    await page.row("WIF").click()
    link = page.page.locator(".i-links a")
    await expect(link).to_have_text("Buy: binance ↗")
    await page.page.evaluate("WebSocket.prototype.send = () => undefined")  # nothing more is heard of any coin
    await page.row("BTC").click()
    await expect(page.page.locator(".i-title")).to_contain_text("BTC")
    await expect(link).to_have_count(0)


async def test_my_own_fees_are_written_to_the_settings(console: Open) -> None:
    page = await console()
    await expect(page.page.locator(".live")).to_contain_text("DEMO 2/2")  # the form is of the exchanges that are known
    await page.page.get_by_role("button", name="Fees").click()
    dialog = page.page.locator("dialog")
    await dialog.get_by_label("Binance perp").fill("2.5")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_contain_text("Saved")
    found = (await page.api.http.get("/api/config")).json()["settings"]["fees"]["value"]
    assert found["binance"]["perp"] == 2.5
    await dialog.get_by_label("Binance perp").fill("-99")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("status")).not_to_contain_text("Saved")
    await page.page.keyboard.press("Escape")
    await expect(page.page.locator(".controls")).to_contain_text("own: 1")
    page.wrong[:] = [said for said in page.wrong if "422" not in said]
