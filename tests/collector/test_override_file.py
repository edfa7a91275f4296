"""The users' file of overrides."""

import logging
from pathlib import Path

import pytest

from deploy.local.process import REPOSITORY
from services.collector.override_file import OverrideFile
from services.collector.venues import VENUES
from shared.config import SettingError, Settings

TRUST = "[[instrument]]\nvenue = '{}'\nnative = 'A'\ntrust = true\n"


def test_without_a_file_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = OverrideFile(Settings(), ("fake",))
    assert file.entries == ()
    Path("overrides.toml").write_text(TRUST.format("fake"))
    assert file.look()
    assert [entry.native for entry in file.of("fake")] == ["A"]
    assert file.of("other") == ()
    assert not file.look()


def test_a_file_that_was_named_and_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"OVERRIDES=.*expected a file that can be read"):
        OverrideFile(Settings(overrides=str(tmp_path / "none.toml")), ("fake",))


def test_a_bad_file_at_the_start_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TRUST.format("fyke"))
    with pytest.raises(SettingError, match=r"mine\.toml, instrument 1, venue='fyke': expected one of fake"):
        OverrideFile(Settings(overrides=str(path)), ("fake",))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="not UTF-8"):
        OverrideFile(Settings(overrides=str(path)), ("fake",))


def test_a_bad_or_missing_file_later_is_said_once_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TRUST.format("fake"))
    file = OverrideFile(Settings(overrides=str(path)), ("fake",))
    path.write_text(TRUST.format("fake") + "x")
    with caplog.at_level(logging.WARNING):
        assert not file.look()
        assert not file.look()
    path.unlink()
    with caplog.at_level(logging.WARNING):
        assert not file.look()
        assert not file.look()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert len(file.entries) == 1
    path.write_text("")
    assert file.look()
    assert not file.of("fake")


def test_the_example_in_the_documentation_is_one() -> None:
    example = REPOSITORY / "docs" / "overrides.example.toml"
    file = OverrideFile(Settings(overrides=str(example)), VENUES)
    assert len(file.entries) == 4
