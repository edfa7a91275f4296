"""Alerts on the health page: what is raised, and a test of a channel."""

import asyncio

import msgspec
from playwright.async_api import expect

from shared import streams
from shared.bus import Redis
from tests.alerter.parts import alert
from tests.api.market import put_health
from tests.browser.conftest import Open
from tests.browser.rows import now_ns

CHANNEL = {
    "kind": "webhook",
    "state": "failing",
    "delivered_total": 3,
    "waiting": 1,
    "held": 2,
    "last_error": "HTTP 500",
}


async def answer(client: Redis) -> None:
    """What the alerter does with a test."""
    asked = streams.demand(streams.ALERTER, "test")
    async with asyncio.timeout(60):
        while not await client.zrem(asked, "ops"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    seconds, micros = await client.time()
    told = {"delivered": True, "error": None, "took_ms": 38, "answered_ms": seconds * 1000 + micros // 1000}
    await client.hset(streams.ALERTS_TESTED, "ops", msgspec.json.encode(told).decode())


async def test_what_is_raised_is_listed_and_a_channel_can_be_tried(console: Open) -> None:
    page = await console("/status")
    await expect(page.page.locator("#main")).to_contain_text("Nobody watches")
    began = now_ns() - 14 * 10**9
    one = alert(measure="latency", unit="ms", value="412", peak="530", began_at=began, fired_at=began, at=began)
    await page.redis.hset(streams.ALERTS_ACTIVE, one.id, msgspec.msgpack.encode(one))
    await page.redis.hset(streams.ALERTS_CHANNELS, "ops", msgspec.json.encode(CHANNEL).decode())
    await put_health(page.redis, "_alerter", alerts_active="1")
    listed, offered = page.page.locator(".alert-list tbody tr"), page.page.locator(".channel-list tbody tr")
    await expect(listed).to_contain_text("alpha: latency 412 ms")
    await expect(listed).to_contain_text("530 ms")
    await expect(page.page.locator(".place .badge:visible")).to_have_text("1")
    await expect(offered).to_contain_text("failing HTTP 500")
    answering = asyncio.create_task(answer(page.redis))
    await offered.get_by_role("button", name="Test").click()
    await expect(offered).to_contain_text("Arrived after 38 ms")
    await answering
    await page.page.locator(".lang").click()
    await expect(listed).to_contain_text("alpha：延迟 412 毫秒")
    await page.redis.delete(streams.ALERTS_ACTIVE)
    await expect(page.page.locator("#main")).to_contain_text("按当前规则，一切正常。")
