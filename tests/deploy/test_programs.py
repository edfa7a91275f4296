"""Which programs run, and what a replay is made of."""

from pathlib import Path

import pytest

from deploy.local import programs
from deploy.local.process import CannotRun

KNOWN = ["apple", "pear", "pearson"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    made = {}
    for name in ("apple/one.jsonl", "pear-two.jsonl", "pearson.jsonl", "plain.jsonl", "apple/list.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        made[name] = str(path)
    return made


def test_a_file_belongs_to_the_venue_in_its_name_or_folder(files: dict[str, str]) -> None:
    request = programs.replay_request([files["apple/one.jsonl"], files["pear-two.jsonl"]], [], "", KNOWN)
    assert {venue: [path.name for path in paths] for venue, paths in request.files.items()} == {
        "apple": ["one.jsonl"],
        "pear": ["pear-two.jsonl"],
    }


def test_the_longest_name_wins(files: dict[str, str]) -> None:
    assert programs.guess_venue(Path(files["pearson.jsonl"]), KNOWN) == "pearson"


def test_a_given_venue_beats_the_names(files: dict[str, str]) -> None:
    request = programs.replay_request([files["plain.jsonl"], files["apple/one.jsonl"]], [], "pear", KNOWN)
    assert list(request.files) == ["pear"]


def test_listings_of_a_single_venue_need_no_name(files: dict[str, str]) -> None:
    request = programs.replay_request([files["apple/one.jsonl"]], [files["plain.jsonl"]], "", KNOWN, ("--speed", "10"))
    (program,) = programs.replays(request)
    assert program.once
    assert list(program.command[2:]) == [
        *("services.collector", "replay", "--speed", "10", "--venue", "apple"),
        *("--instruments", files["plain.jsonl"], files["apple/one.jsonl"]),
    ]


def test_several_venues_are_played_by_one_program(files: dict[str, str]) -> None:
    request = programs.replay_request([files["apple/one.jsonl"], files["pear-two.jsonl"]], [], "", KNOWN)
    (program,) = programs.replays(request)
    assert list(program.command[4:]) == [
        *("--venue", "apple", files["apple/one.jsonl"]),
        *("--venue", "pear", files["pear-two.jsonl"]),
    ]


@pytest.mark.parametrize(
    ("names", "venue", "expected"),
    [
        ([], "", "make replay needs FILE"),
        (["/no/such"], "apple", "FILE=/no/such: no such file"),
        (["plain.jsonl"], "", "No exchange's name is in the path"),
        (["plain.jsonl"], "plum", "VENUE='plum': expected one of apple, pear, pearson"),
    ],
)
def test_a_wrong_request_is_one_sentence(
    files: dict[str, str], names: list[str], venue: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UI_LANG", "en")
    with pytest.raises(CannotRun, match=expected):
        programs.replay_request([files.get(name, name) for name in names], [], venue, KNOWN)
