"""Settings from the environment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from shared.config import Runtime, SettingError, Settings, load, read_env_file

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
        ("MAX_DISK_GB", "-1", "a number, more than 0, at most 1e+06"),
        ("REDIS_MEMORY_MB", "99999999999999999999", "a whole number, at least 64, at most 1e+06"),
        ("MODE", "paper", "one of live, demo, replay"),
        ("UI_LANG", "fr", "one of (empty), en, zh"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(name: str, value: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError) as refused:
        load({name: value}, tmp_path / "none")
    assert (refused.value.field, refused.value.value, refused.value.expected) == (name, value, expected)


NUMBERS = [
    name
    for name, kind in get_type_hints(Settings, include_extras=True).items()
    if isinstance(getattr(Settings(), name), int | float) and get_origin(kind) is Annotated
]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "Infinity", "1e400", "-3", "１", "1_0", "0x10", "+5", "1e99"])
def test_what_is_no_number_of_a_usual_size_is_refused_wherever_one_is_expected(
    name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=f"^{name.upper()}='.*': expected a (whole )?number, .*at most"):
        load({name.upper(): value}, tmp_path / "none")


def numbers(kind: Any) -> Iterator[tuple[Any, ...]]:
    """The bounds of every number within a kind."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in get_type_hints(kind, include_extras=True).values():
            yield from numbers(field)
    elif get_origin(kind) is Annotated and get_args(kind)[0] in (int, float):
        yield get_args(kind)[1:]
    elif kind in (int, float):
        yield ()
    else:
        for one in get_args(kind):
            yield from numbers(one)


@pytest.mark.parametrize("kind", [Settings, Runtime])
def test_every_number_has_bounds_on_both_sides(kind: type) -> None:
    found = list(numbers(kind))
    assert len(found) > 7
    for metas in found:
        assert any(meta.ge is not None or meta.gt is not None for meta in metas)
        assert any(meta.le is not None for meta in metas)


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
