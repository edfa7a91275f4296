"""The one screen, line by line, in both languages."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from deploy.local import screen, view, words
from deploy.local.status import RowHead, Snapshot, VenueStatus
from tests.deploy.test_status import board_row

FACTS = screen.Facts(
    version="0.1.0",
    mode="live",
    url="http://127.0.0.1:8000",
    data=Path.cwd() / "var",
    data_bytes=1_200_000_000,
    free_bytes=48_000_000_000,
    retention_days=7,
    max_disk_gb=10,
    elapsed_s=10,
    ready_s=9,
)
BLOCKED = "HTTP 451: Service unavailable from a restricted location. Retry in 60 s."
SNAPSHOT = Snapshot(
    [
        VenueStatus("apple", "live", "", 3412, 8120, 38.4),
        VenueStatus("pear", "blocked", BLOCKED),
    ],
    best=msgspec.msgpack.decode(board_row("WIF", "51.00", 1), type=RowHead),
)


def plain(facts: screen.Facts, snapshot: Snapshot, lang: words.Language = "en") -> list[str]:
    return [line.plain for line in screen.lines(facts, snapshot, lang)]


def test_the_screen_of_a_running_system() -> None:
    assert plain(FACTS, SNAPSHOT) == [
        "Parallax 0.1.0 · LIVE · ready in 9 s",
        "  Open      http://127.0.0.1:8000",
        "  CryExc    ws://127.0.0.1:8000/ws      API  /docs",
        "  Data      ./var 1.2 GB, keeps 7 days or 10 GB; 48 GB free",
        "  apple     live     3,412 instruments   8,120 msg/s   38 ms",
        "  pear      blocked  HTTP 451: not served from this region. Set HTTPS_PROXY or leave it out of VENUES=. "
        "Retry in 60 s.",
        "  Best now  WIF  buy apple 2.1450, sell pear spot 2.1604  +0.72% gross, +0.51% in+out, $4,200"
        "      Signals 0 open",
        "Stop Ctrl-C · keep running after logout: make start · 中文: make run UI_LANG=zh",
    ]


def test_a_start_says_how_far_it_is() -> None:
    said = VenueStatus("pear", "starting", "38 of 162 topics.", 140, 55, 20.0)
    snapshot = replace(SNAPSHOT, venues=[SNAPSHOT.venues[0], said])
    assert plain(FACTS, snapshot)[5] == "  pear      starting 38 of 162 topics   55 msg/s"
    assert plain(FACTS, snapshot, "zh")[5] == "  pear      启动中   38/162 个订阅   55 条/秒"
    short = replace(snapshot, venues=[replace(said, state="degraded", detail="38 of 162 topics are live.")])
    assert plain(FACTS, short)[4] == "  pear      degraded 38 of 162 topics"
    assert said.speaks
    assert not VenueStatus("pear").speaks
    assert not VenueStatus("pear", "starting", "0 of 162 topics.").speaks
    assert replace(said, state="blocked", rate=0).speaks


def test_the_screen_in_chinese() -> None:
    shown = plain(FACTS, SNAPSHOT, "zh")
    assert shown[0] == "Parallax 0.1.0 · LIVE · 9 秒就绪"
    assert shown[1] == "  打开      http://127.0.0.1:8000"
    assert shown[5].startswith("  pear      受阻     HTTP 451：该地区不提供服务。请设置 HTTPS_PROXY")
    assert shown[-1].startswith("停止 Ctrl-C")


def test_the_demo_says_in_both_languages_that_it_is_no_market() -> None:
    first = plain(replace(FACTS, mode="demo", ready_s=None, elapsed_s=3), SNAPSHOT)[0]
    assert first == "Parallax 0.1.0 · DEMO · simulated prices, not a market / 模拟行情，非真实市场 · starting … 3 s"


def test_a_refusal_claims_no_region() -> None:
    assert "region" not in screen.explain("HTTP 403 Forbidden", "en")
    assert screen.explain("HTTP 403 Forbidden. retry in 30 s", "en").endswith("VENUES=. Retry in 30 s.")


def test_other_troubles_are_shown_in_the_collectors_own_words() -> None:
    assert screen.explain("cannot connect: no route to host", "en") == "cannot connect: no route to host"


def test_no_exchange_reachable_names_the_demo() -> None:
    snapshot = Snapshot([VenueStatus("apple", "degraded", "no route"), VenueStatus("pear", "blocked", BLOCKED)])
    assert any("make demo" in line for line in plain(FACTS, snapshot))
    assert not any("make demo" in line for line in plain(replace(FACTS, mode="demo"), snapshot))


def test_nothing_to_gain_is_said_too() -> None:
    assert "nothing pays after fees" in plain(FACTS, Snapshot([]))[-2]


def test_what_keeps_failing_stays_on_the_screen() -> None:
    assert "  ! api keeps failing: x" in plain(replace(FACTS, notices=("api keeps failing: x",)), SNAPSHOT)


def test_a_recorder_that_pauses_says_why() -> None:
    snapshot = replace(SNAPSHOT, services={"_recorder": "degraded"}, details={"_recorder": "recording is paused: disk"})
    assert "  ! recorder: recording is paused: disk" in plain(FACTS, snapshot)


@pytest.mark.parametrize(("seconds", "text"), [(61, "0:01:01"), (3600, "1:00:00"), (90_061, "1 d 1:01:01")])
def test_a_long_run_shows_how_long(seconds: int, text: str) -> None:
    assert plain(replace(FACTS, elapsed_s=seconds, ready_s=0), SNAPSHOT)[0].endswith(f"up {text}")


def test_every_sentence_stands_in_both_languages_with_the_same_values() -> None:
    from string import Formatter

    def names(text: str) -> set[str | None]:
        return {part[1] for part in Formatter().parse(text)} - {None}

    for key, (english, chinese) in words._WORDS.items():
        assert names(english) == names(chinese), key


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "UI_LANG": "zh"}, "zh"),
    ],
)
def test_the_language_is_the_locales_unless_said_otherwise(environment: dict[str, str], expected: str) -> None:
    assert words.language(environment) == expected


def test_without_a_terminal_only_changes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = view.PlainView("en")
    shown.show(replace(FACTS, ready_s=None, elapsed_s=2), SNAPSHOT)
    assert capsys.readouterr().out == ""
    shown.show(FACTS, SNAPSHOT)
    assert capsys.readouterr().out.startswith("Parallax 0.1.0")
    shown.show(replace(FACTS, elapsed_s=11), SNAPSHOT)
    shown.show(replace(FACTS, elapsed_s=12), SNAPSHOT)
    assert capsys.readouterr().out == ""
    live = [SNAPSHOT.venues[0], replace(SNAPSHOT.venues[1], state="live", detail="")]
    shown.show(replace(FACTS, elapsed_s=13, notices=("api keeps failing: x",)), replace(SNAPSHOT, venues=live))
    assert capsys.readouterr().out == "! api keeps failing: x\npear live\n"


def test_without_a_terminal_the_screen_comes_even_if_not_all_is_up(capsys: pytest.CaptureFixture[str]) -> None:
    view.PlainView("en").show(replace(FACTS, ready_s=None, elapsed_s=view.PATIENCE_S), SNAPSHOT)
    assert "starting" in capsys.readouterr().out
