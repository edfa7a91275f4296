"""Rules of alerts and manners of channels on the health page: what is typed, refused, saved, and who was faster."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from playwright.async_api import Locator, Route, expect

from shared import streams
from shared.bus import Redis
from shared.settings_store import RuntimeStore
from tests.browser.conftest import PHONE, Console, Open

CHANNEL = {"kind": "webhook", "state": "ok", "delivered_total": 3, "waiting": 0, "held": 0, "last_error": None}
Opened = Callable[..., Awaitable[tuple[Console, Locator]]]
PATH = "/status?part=rules"


@pytest.fixture
async def opened(console: Open, redis_client: Redis) -> Opened:
    """Opens the page with the rules and a channel; the page and its dialog."""

    async def begin(**context: Any) -> tuple[Console, Locator]:
        await redis_client.hset(streams.ALERTS_CHANNELS, "ops", msgspec.json.encode(CHANNEL).decode())
        page = await console(PATH, market=False, settings={"mode": "live"}, **context)
        await expect(page.page.locator("[data-channel=ops]")).to_be_visible()
        return page, page.page.locator("dialog")

    return begin


def rule(page: Console, name: str) -> Locator:
    return page.page.locator(f"[data-rule={name}]")


async def standing(page: Console) -> dict[str, Any]:
    runtime = await RuntimeStore(page.redis).load()
    return {one.name: msgspec.json.decode(msgspec.json.encode(one)) for one in runtime.alert_rules}


def refusals_are_meant(page: Console) -> None:
    """The browser itself logs every answer of 4xx."""
    page.wrong[:] = [said for said in page.wrong if "Failed to load resource" not in said]


async def test_a_rule_is_added_from_the_fields_that_its_kind_has(opened: Opened) -> None:
    page, form = await opened()
    await page.page.get_by_role("button", name="Add a rule").click()
    await form.get_by_label("Kind").select_option("price")
    await expect(form.get_by_role("group", name="Exchanges")).to_have_count(0)
    await form.get_by_label("Kind").select_option("funding")
    above = form.get_by_label("Beyond")
    await expect(above).to_have_accessible_description("> 0, ≤ 10¹⁵")
    await form.get_by_label("Name").fill("Funding gap")
    await form.get_by_label("What is measured").select_option("differential_8h_bps")
    await expect(form.locator("[data-field=above] .unit")).to_have_text(", bps")
    await above.fill("-3")
    await form.get_by_label("Hysteresis").fill("much")
    await form.get_by_role("button", name="Save").click()
    name = form.get_by_label("Name")
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(form.locator("[data-field=name]")).to_contain_text(
        "name: “Funding gap” is refused. Expected: text of small letters, digits and hyphens, at most 40"
    )
    await name.fill("funding-gap")
    await name.press("Enter")
    await expect(above).to_be_focused()
    await expect(above).to_have_accessible_description(
        "> 0, ≤ 10¹⁵ above: “-3” is refused. Expected: a number, more than 0, at most 1e+15"
    )
    await expect(name).not_to_have_attribute("aria-invalid", "true")
    await above.fill("1,000.5")
    await form.get_by_role("button", name="Save").click()
    await expect(form.locator("[data-field=hysteresis]")).to_contain_text("“much” is refused. Expected: a number, at")
    await form.get_by_label("Hysteresis").fill("")
    await form.get_by_label("Coins").fill("wif btc")
    await form.get_by_role("group", name="Exchanges").get_by_label("OKX").check()
    await form.get_by_role("group", name="Channels").get_by_label("ops").check()
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_have_count(0)
    added = rule(page, "funding-gap")
    await expect(added.locator(".when")).to_have_text("Between two markets, per 8 h · > 1000.5 bps")
    await expect(added).to_contain_text("WIF, BTC")
    found = (await standing(page))["funding-gap"]
    assert (found["above"], found["hysteresis"], found["assets"]) == (1000.5, 0.2, ["WIF", "BTC"])
    assert (found["venues"], found["channels"], found["enabled"]) == (["okx"], ["ops"], True)
    refusals_are_meant(page)


async def test_rules_are_switched_and_deleted_with_the_keyboard_in_chinese(opened: Opened) -> None:
    page, form = await opened(locale="zh-CN")
    keyboard = page.page.keyboard
    away = rule(page, "exchange-away")
    await expect(away).to_contain_text("无心跳 > 30 s · 未连接")
    switch = away.get_by_role("switch", name="启用 exchange-away")
    await switch.press("Space")
    await expect(away).to_have_class("is-off")  # drawn from the answer: it is written
    await expect(switch).not_to_be_checked()
    await expect(switch).to_be_focused()
    assert (await standing(page))["exchange-away"]["enabled"] is False
    edit = away.get_by_role("button", name="修改 exchange-away")
    await edit.press("Enter")
    await form.get_by_label("无心跳超过").fill("4")
    await keyboard.press("Enter")
    await expect(form.locator("[data-field=silent_s]")).to_contain_text("“4” 未被接受。应为：数字，5 – 86\u2009400")
    await form.get_by_label("名称").fill("funding-terms")
    await form.get_by_label("无心跳超过").fill("30")
    await keyboard.press("Enter")
    await expect(form.locator("[data-field=name]")).to_contain_text("未被接受。应为：其他规则没有用过的名称")
    await keyboard.press("Escape")
    await expect(form).to_contain_text("尚未保存。再次关闭将放弃修改。")
    await keyboard.press("Escape")
    await expect(edit).to_be_focused()
    await edit.press("Enter")
    await form.get_by_role("button", name="删除").press("Enter")
    await form.get_by_role("button", name="再按一次即删除").press("Enter")
    await expect(away).to_have_count(0)
    assert list(await standing(page)) == ["exchange-health", "funding-terms"]
    refusals_are_meant(page)


async def test_who_was_slower_is_told_and_overwrites_nothing(opened: Opened) -> None:
    page, form = await opened()
    await rule(page, "exchange-away").get_by_role("button").click()
    await form.get_by_label("No sign for").fill("45")
    store = RuntimeStore(page.redis)
    await store.write({"alert_rules": [{"kind": "change", "name": "exchange-away", "of": ["cap"]}]}, 0)
    await store.write({"alert_rules": None, "enter_bps": 33.0}, 1)
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("status")).to_contain_text("changed meanwhile, though not this part")
    assert (await standing(page))["exchange-away"]["silent_s"] == 30
    await form.get_by_role("button", name="Save").click()
    await expect(rule(page, "exchange-away")).to_contain_text("no sign > 45 s")
    assert (await store.load()).enter_bps == 33.0
    await rule(page, "exchange-away").get_by_role("button").click()
    await form.get_by_label("No sign for").fill("60")
    theirs = [{**(await standing(page))["exchange-away"], "silent_s": 90}]
    await store.write({"alert_rules": theirs}, 3)
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("status")).to_contain_text("changed this meanwhile, to: No sign for 90 s.")
    await form.get_by_role("button", name="Take theirs").click()
    await expect(form.get_by_label("No sign for")).to_have_value("90")
    refusals_are_meant(page)


async def test_a_channel_has_quiet_hours_and_a_pace_and_shows_no_address(opened: Opened) -> None:
    page, form = await opened(viewport=PHONE)
    channel = page.page.locator("[data-channel=ops]")
    await expect(channel).to_contain_text("6 a minute")
    await channel.get_by_role("button", name="Change ops").click()
    await form.get_by_label("From", exact=True).fill("23:00")
    await form.get_by_label("Messages a minute").fill("3")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_label("To", exact=True)).to_be_focused()
    await expect(form.locator("[data-field=quiet_to]")).to_contain_text("quiet_to: nothing is refused. Expected: HH:MM")
    await form.get_by_label("To", exact=True).fill("07:30")
    await form.get_by_label("Time zone").fill("Mars/Olympus")
    await form.get_by_role("button", name="Save").click()
    await expect(form.locator("[data-field=time_zone]")).to_contain_text("a time zone such as Asia/Shanghai, UTC")
    await form.get_by_label("Time zone").fill("Asia/Shanghai")
    await form.get_by_label("Comes through all the same").select_option(label="nothing")
    await form.get_by_role("button", name="Save").click()
    await expect(channel).to_contain_text("23:00 – 07:30 Asia/Shanghai · nothing comes through")
    (manners,) = (await RuntimeStore(page.redis).load()).alert_channels.values()
    assert (manners.per_minute, manners.quiet_lets, manners.ends) == (3, None, True)
    refusals_are_meant(page)


async def test_who_may_not_write_sees_it_switched_off_with_the_reason(opened: Opened) -> None:
    page, _ = await opened()

    async def from_elsewhere(route: Route) -> None:
        await route.fulfill(response=await route.fetch(headers={**route.request.headers, "origin": "http://a.example"}))

    await page.page.route("**/api/config", from_elsewhere)
    switch = rule(page, "exchange-away").get_by_role("switch")
    await switch.click()
    await expect(page.page.locator(".rules")).to_contain_text("You may not change anything here: A page of another")
    await expect(switch).to_be_disabled()
    await expect(switch).to_be_checked()
    await expect(page.page.get_by_role("button", name="Add a rule")).to_be_disabled()
    await expect(page.page.get_by_role("button", name="Change ops")).to_be_disabled()
    await page.page.unroute_all(behavior="wait")  # the page asks again and again: no answer is left on its way
    refusals_are_meant(page)
