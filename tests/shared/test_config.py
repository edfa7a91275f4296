"""Settings from the environment."""

from pathlib import Path

import pytest

from shared.config import SettingError, Settings, load, read_env_file

KNOWN = {"one": None, "two": None, "three": None}


def test_nothing_given_means_the_defaults(tmp_path: Path) -> None:
    assert load({}, tmp_path / "none") == Settings()


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\nPORT=9000\n\nVENUES='one, two'\nLOG_LEVEL=debug\n", encoding="utf-8")
    settings = load({"PORT": "9001", "IRRELEVANT": "x"}, file)
    assert (settings.port, settings.log_level) == (9001, "debug")
    assert settings.venue_list(KNOWN) == ["one", "two"]


def test_a_file_line_that_is_no_setting_is_named_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=9000\nnonsense\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"\.env:2.*NAME=value"):
        read_env_file(file)


def test_a_bad_line_of_the_file_does_not_show_its_value(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("ALERT CHANNELS=tgram://hush\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"\.env:1='ALERT CHANNELS=…'") as error:
        read_env_file(file)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "70000", "a whole number, at least 1, at most 65535"),
        ("MAX_DISK_GB", "-1", "a number, more than 0"),
        ("MODE", "paper", "one of live, demo, replay"),
        ("UI_LANG", "fr", "one of (empty), en, zh"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(name: str, value: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError) as refused:
        load({name: value}, tmp_path / "none")
    assert (refused.value.field, refused.value.value, refused.value.expected) == (name, value, expected)


def test_an_empty_value_means_the_default(tmp_path: Path) -> None:
    assert load({"PORT": "", "VENUES": ""}, tmp_path / "none") == Settings()


def test_venues_stand_in_the_order_of_the_registry_and_an_unknown_one_is_refused() -> None:
    assert Settings(venues="three,ONE").venue_list(KNOWN) == ["one", "three"]
    assert Settings().venue_list(KNOWN) == ["one", "two", "three"]
    with pytest.raises(SettingError, match="names out of: one, two, three"):
        Settings(venues="one,four").venue_list(KNOWN)


def test_simulated_and_replayed_data_never_mix_with_the_real(tmp_path: Path) -> None:
    paths = {Settings(mode=mode, data_dir=str(tmp_path)).data_path for mode in ("live", "demo", "replay")}
    assert len(paths) == 3
    assert tmp_path in paths


def test_a_proxy_in_small_letters_is_taken_as_everywhere_else(tmp_path: Path) -> None:
    assert load({"https_proxy": "http://p:1"}, tmp_path / "none").proxy == "http://p:1"
    assert load({"all_proxy": "socks5://p:1"}, tmp_path / "none").proxy == "socks5://p:1"
    assert load({}, tmp_path / "none").proxy is None


def test_what_a_service_cannot_do_without_is_named() -> None:
    with pytest.raises(SettingError, match="REDIS_URL"):
        _ = Settings().redis
    with pytest.raises(SettingError, match="DATABASE_URL"):
        _ = Settings().database


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "REDIS_URL", "DATABASE_URL", "VENUE_GATEWAY"])
def test_what_is_no_url_is_refused_where_one_is_expected(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"^{name}='host:1': expected a URL that begins with [a-z0-9]+://"):
        load({name: "host:1"}, tmp_path / "none")
