"""The compose file names every exchange and publishes nothing beyond this machine."""

import re
from typing import Any

import pytest
import yaml

from deploy.local.process import REPOSITORY, version
from services.collector.venues import VENUES


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
