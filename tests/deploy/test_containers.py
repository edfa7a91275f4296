"""The compose file names every exchange and publishes nothing beyond this machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import container_files
from deploy.local.process import REPOSITORY, version
from services.collector.venues import VENUES

OF_THE_VENUES = [variable for venue in VENUES.values() for variable in venue.variables]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    text = (REPOSITORY / "deploy" / "docker-compose.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def test_every_exchange_has_its_collector(services: dict[str, Any]) -> None:
    collectors = {name: body["command"] for name, body in services.items() if name.startswith("collector-")}
    assert set(collectors) == {f"collector-{venue}" for venue in VENUES}
    for name, command in collectors.items():
        assert command[-1] == name.removeprefix("collector-")


def test_collectors_may_be_several_and_differ_by_their_exchange_alone(services: dict[str, Any]) -> None:
    for venue in VENUES:
        body = dict(services[f"collector-{venue}"])
        assert not {"container_name", "hostname", "ports", "networks"} & set(body), "these keep it from being scaled"
        assert body.pop("healthcheck")["test"] == ["CMD", "python", "-m", "deploy.health", venue]
        assert body.pop("command")[-2:] == ["--venue", venue]
        assert not {variable.name for variable in OF_THE_VENUES} & set(body["environment"]), "one name hides .env"


def test_every_setting_reaches_the_containers_and_none_has_a_value_here() -> None:
    text = container_files.NAMES.read_text(encoding="utf-8")
    assert text == container_files.settings_names(), "run: make docs"
    assert not any("=" in line for line in text.splitlines() if not line.startswith("#"))


def test_an_exchange_that_comes_gets_its_collector_and_one_that_goes_loses_it() -> None:
    text = container_files.COMPOSE.read_text(encoding="utf-8")
    assert container_files.compose(text, VENUES) == text, "run: make docs"
    other = container_files.compose(text, ["okx", "another"])
    assert set(yaml.safe_load(other)["services"]) ^ set(yaml.safe_load(text)["services"]) == {
        "collector-another",
        *(f"collector-{venue}" for venue in VENUES if venue != "okx"),
    }
    assert container_files.compose(other, VENUES) == text


def test_the_shell_wins_over_the_file_of_settings(tmp_path: Path) -> None:
    found = composed(
        tmp_path, "GRVT_API_KEY=of-the-file\nOKX_WS_PUBLIC_URL=wss://file.example/ws\n", GRVT_API_KEY="of-the-shell"
    )
    for venue in VENUES:
        environment = found[f"collector-{venue}"]["environment"]
        assert environment["GRVT_API_KEY"] == "of-the-shell"
        assert environment["OKX_WS_PUBLIC_URL"] == "wss://file.example/ws"
        assert environment["REDIS_URL"] == "redis://redis:6379/0"
        assert "GRVT_SECRET_KEY" not in environment


def test_what_nobody_set_is_left_to_the_product(tmp_path: Path) -> None:
    assert set(composed(tmp_path)["collector-grvt"]["environment"]) == {"MODE", "REDIS_URL", "DATABASE_URL", "DATA_DIR"}


def composed(folder: Path, dotenv: str = "", **shell: str) -> dict[str, Any]:
    """The services as Compose itself reads them: its files, these lines in .env, these variables in the shell."""
    (folder / "deploy").mkdir()
    for name in ("docker-compose.yml", "settings.env"):
        shutil.copy(REPOSITORY / "deploy" / name, folder / "deploy" / name)
    if dotenv:
        (folder / ".env").write_text(dotenv, encoding="utf-8")
    compose = Path(sys.executable).with_name("docker-compose")
    answer = subprocess.run(
        [compose, "-f", "deploy/docker-compose.yml", "config", "--format", "json"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], **shell},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)["services"]
    return found


def test_only_the_api_is_published_and_only_here(services: dict[str, Any]) -> None:
    assert {name: body["ports"] for name, body in services.items() if "ports" in body} == {
        "api": ["127.0.0.1:${PORT:-8000}:8000"]
    }


def test_every_service_has_a_health_check_and_comes_back(services: dict[str, Any]) -> None:
    for name, body in services.items():
        assert body["healthcheck"]["test"], name
        assert body["restart"] == "unless-stopped", name


def test_redis_is_durable_and_never_evicts(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]
    for words in ("--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction", "--maxmemory "):
        assert words in command


def test_the_image_is_of_this_version(services: dict[str, Any]) -> None:
    assert services["api"]["image"] == f"parallax:{version()}"


def test_the_image_holds_what_its_commands_run(services: dict[str, Any]) -> None:
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE))
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for names in copied:
        for name in names.split():
            assert f"!{name}" in ignored, name
            assert (REPOSITORY / name).exists(), name
