"""The console's pure modules, run in the browser that they are for."""

import json
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open

FORMATS = [
    ('f.price("43250.10", 2)', "43\u2009250.10"),
    ('f.price("0.35000000", 5)', "0.35000"),
    ('f.price("1.00000000", 0)', "1"),
    ('f.price("4.6675e-6")', "0.0000046675"),
    ('f.price("1E+3")', "1000"),
    ("f.price(null)", "–"),
    ("f.bps(50.84)", "+50.8"),
    ("f.bps(-9.6)", "\u22129.6"),
    ("f.bps(-0.04)", "0.0"),
    ("f.usd(4187.2)", "$4.2k"),
    ("f.usd(182000)", "$182k"),
    ("f.usd(999999)", "$1.0M"),
    ("f.dollars(1000)", "$1k"),
    ("f.money(-2.155)", "\u2212$2.15"),
    ("f.age(320)", "0.3"),
    ("f.age(null)", "–"),
    ("f.span(125000)", "2m 05s"),
    ("f.until(3_400_000)", "0:56"),
    ("f.clock(1795240187015)", "05:49:47"),
    ("f.count(1018)", "1018"),
    ("f.count(12774)", "12\u2009774"),
]


@pytest.fixture
async def run(console: Open) -> Any:
    page = await console(market=False, settings={"mode": "live"})
    await expect(page.page.locator(".empty")).to_be_visible()

    async def evaluate(module: str, expression: str) -> Any:
        return await page.page.evaluate(f"import('/js/{module}.js').then(f => {expression})")

    return evaluate


async def test_numbers_are_written_plainly(run: Any) -> None:
    assert [await run("format", expression) for expression, _ in FORMATS] == [text for _, text in FORMATS]


async def every_word(run: Any) -> dict[str, list[str]]:
    """The dictionary, with what the rules' part of the page brings."""
    await run("rules", "null")
    words: dict[str, list[str]] = await run("words", "f.WORDS")
    return words


async def test_both_languages_have_every_word_with_the_same_blanks(run: Any) -> None:
    words = await every_word(run)
    assert len(words) > 400
    for key, (english, chinese) in words.items():
        assert english, key
        assert chinese, key
        assert blanks(english) == blanks(chinese), key


async def test_every_field_that_the_api_tells_of_has_its_words(run: Any) -> None:
    words = await every_word(run)
    told = await run("config", "f.readJson('/api/alerts/fields').then(one => one.told)")
    kinds = {f"rulekind.{kind}{about}" for kind in told["rules"] for about in ("", ".about")}
    fields = {(name, kind) for kind in told["rules"] for name in told["rules"][kind]}
    wanted = kinds | {f"field.{name}" for name, _ in fields} | {f"field.{name}" for name in told["manners"]}
    assert wanted - words.keys() == set()
    each = [told["rules"][kind][name] | {"name": name} for name, kind in fields]
    each += [one | {"name": name} for name, one in told["manners"].items()]
    for one in each:
        for choice in one.get("each", one).get("choices", ()):
            shown = await run("fields", f"f.choiceWord({one['name']!r}, {choice!r})")
            assert shown in {english for english, _ in words.values()}, (one["name"], choice)


NUMBERS = {"0.5": 0.5, "\u22123": -3, "100,000": 100_000, "1,000.5": 1_000.5, "0,25": 0.25, "12,5": 12.5, "1e3": 1_000}
NO_NUMBERS = ["", "much", "1.2.3", "1,00,0", "0x10", "Infinity"]


async def test_a_figure_is_read_as_people_type_it(run: Any) -> None:
    assert {text: await run("fields", f"f.number({text!r})") for text in NUMBERS} == NUMBERS
    assert [await run("fields", f"f.number({text!r})") for text in NO_NUMBERS] == [None] * len(NO_NUMBERS)


async def test_bounds_are_signs_that_every_language_reads(run: Any) -> None:
    assert await run("fields", "f.bounds({exclusive_minimum: 0, maximum: 1e15})") == "> 0, ≤ 10¹⁵"
    assert await run("fields", "f.bounds({minimum: 0, maximum: 86400})") == "0 – 86\u2009400"
    assert await run("fields", "f.bounds({})") == ""


def blanks(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]}


async def test_an_amount_is_read_as_people_type_it(run: Any) -> None:
    typed = {"1000": 1000, "$2.5k": 2500, "1,000": 1000, "3m": 3_000_000, "0": None, "-5": None, "many": None}
    for text, amount in typed.items():
        assert await run("controls", f"f.amount({text!r})") == amount, text


async def test_fees_are_what_is_between_the_edge_and_the_net_of_entering(run: Any) -> None:
    row = "{kind: 'perp-perp', edge_bps: 71.8, net_open_bps: 61.8, net_in_out_bps: 51.8, size_usd: 1}"
    assert (await run("derive", f"f.derive({row}).fees")) == 10
    assert (await run("derive", f"f.derive({row}).net")) == 51.8
    assert (await run("derive", "f.derive({kind: null}).routed")) is False


async def test_signals_of_one_gap_are_one_group_with_the_best_first(run: Any) -> None:
    def one(name: str, first: int, end: int | None, net: float, coin: str = "WIF") -> dict[str, Any]:
        open_or_not: dict[str, Any] = {"state": "open"} if end is None else {"state": "closed", "ended_at_ms": end}
        times = {"first_at_ms": first, "opened_at_ms": first + 2_000}
        return {"id": name, "symbol": coin, **times, **open_or_not, "net_open_bps": net, "peak_net_bps": net}

    listed = [
        one("a", 0, 10_000, 30),
        one("b", 4_000, 12_000, 50),
        one("c", 16_000, 20_000, 40),
        one("d", 60_000, None, 10),
        one("e", 61_000, None, 20),
        one("f", 61_000, 70_000, 90),
        one("g", 3_000, 9_000, 5, "ETH"),
    ]
    script = (
        f"f.groups({json.dumps(listed)}).map(one => [one.key, one.open, one.members.map(each => each.id).join('')])"
    )
    assert await run("groups", script) == [["WIF|d", 2, "edf"], ["WIF|a", 0, "bca"], ["ETH|g", 0, "g"]]
    spans = f"f.groups({json.dumps(listed)}).map(one => f.groupLived(one, 100_000))"
    assert await run("groups", spans) == [40_000, 20_000, 6_000]


async def test_a_time_of_another_day_tells_its_day(run: Any) -> None:
    midnight = 1_795_219_200_000
    assert await run("format", f"f.moment({midnight + 1000}, {midnight + 5000})") == "00:00:01"
    assert await run("format", f"f.moment({midnight - 1000}, {midnight + 5000})") == "11-20 23:59:59"


async def test_a_jump_of_the_sequence_asks_for_the_picture_anew(run: Any) -> None:
    found = await run(
        "push",
        """{
            const sent = [];
            const shown = [];
            const push = Object.create(f.Push.prototype);
            Object.assign(push, { nextId: 1, subscriptions: new Map(), jumps: 0, offsets: [],
                state: { up: true }, onState() {}, send: (message) => sent.push(message.op) });
            const handler = { snapshot: (rows) => shown.push(`snapshot ${rows.length}`),
                delta: (rows) => shown.push(`delta ${rows.length}`) };
            push.subscribe("board", {}, handler);
            const hear = (message) => push.hear(JSON.stringify({ id: 1, ...message }));
            hear({ type: "snapshot", seq: 1, rows: [{}] });
            hear({ type: "delta", seq: 2, changed: [{}], removed: [] });
            hear({ type: "delta", seq: 4, changed: [{}], removed: [] });
            hear({ type: "delta", seq: 5, changed: [{}], removed: [] });
            hear({ type: "snapshot", seq: 1, rows: [{}, {}] });
            return { sent, shown, jumps: push.jumps };
        }""",
    )
    assert found == {
        "sent": ["subscribe", "subscribe"],
        "shown": ["snapshot 1", "delta 1", "snapshot 2"],
        "jumps": 1,
    }


async def test_prices_keep_the_digits_that_a_float_would_lose(run: Any) -> None:
    text = '{"rows":[{"buy_price":43250.10,"bid":0.00000010,"edge_bps":71.80,"why":"\\"price\\":1"}]}'
    found = await run("push", f"f.decode({text!r})")
    assert found["rows"][0]["buy_price"] == "43250.10"
    assert found["rows"][0]["bid"] == "0.00000010"
    assert found["rows"][0]["edge_bps"] == 71.8


async def test_the_inspector_says_what_is_known_beside_the_spread_and_nothing_else(run: Any) -> None:
    row = {
        "depth_usd": 1000, "depth_net_bps": 128.55, "pays_usd": 114319.97, "profit_usd": 812.4, "depth_at_least": True,
        "apr_percent": -12.3, "next_cash_ms": 5_000_000, "next_cash_bps": 1.2, "cost_bps": 10, "even_ms": None,
        "z_12h": None, "z_1h": 2.3, "half_life_s": 900, "exit_bps": -20, "net_rt_bps": 60,
    }  # fmt: skip
    found = await run("inspect", f"f.facts({json.dumps(row)}, 1_000_000).map((line) => line.slice(0, 2))")
    assert found == [
        ["Net at $1k, by both books", "+128.6"],
        ["Largest size that pays", "≥ $114k"],
        ["It would leave", "≥ +$812.40"],
        ["Funding, APR of the notional", "−12.3 %"],
        ["Next settlement", "+1.2 · 1:06"],
        ["Funding has paid the way in and out after", "not within 30 days"],
        ["Standard deviations off its mean", "+2.3"],
        ["Half-life", "15m 00s"],
        ["Usual exit edge", "−20.0"],
        ["Round trip at that", "+60.0"],
    ]
    assert await run("inspect", "f.facts({}, 0)") == []
