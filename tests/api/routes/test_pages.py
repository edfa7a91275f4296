import re
from pathlib import Path

import pytest

from services.api.routes import pages
from tests.api.conftest import Api

BROWSER = {"Accept": "text/html,*/*"}


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "console"
    (home / "assets").mkdir(parents=True)
    (home / "index.html").write_text("<title>console</title>")
    (home / "simple.html").write_text("<title>simple</title>")
    (home / "assets" / "main-abcd1234.js").write_text("1")
    (home / "secret.py").write_text("no")
    (tmp_path / "outside.html").write_text("no")
    monkeypatch.setattr(pages, "CONSOLE", home)
    return home


async def test_a_browser_gets_the_console_and_a_program_what_runs_here(api: Api, console: Path) -> None:
    page = await api.http.get("/", headers=BROWSER)
    assert ("console" in page.text, page.headers["vary"], page.headers["cache-control"]) == (True, "Accept", "no-cache")
    found = await api.http.get("/")
    assert found.json() == {
        "service": "parallax",
        "version": found.json()["version"],
        "status": "running",
        "connections": 0,
        "streams": ["trade", "cvd"],
        "mode": "live",
    }
    assert found.headers["vary"] == "Accept"
    assert "simple" in (await api.http.get("/simple")).text


async def test_places_within_the_console_are_its_page_for_a_browser_alone(api: Api, console: Path) -> None:
    for path in ("/funding", "/coin/BTC", "/charts?symbol=BTC"):
        assert "console" in (await api.http.get(path, headers=BROWSER)).text
        assert (await api.http.get(path)).status_code == 404
    assert (await api.http.get("/missing.js", headers=BROWSER)).status_code == 404


async def test_hashed_files_may_be_kept_for_ever_and_nothing_else_is_served(api: Api, console: Path) -> None:
    kept = await api.http.get("/assets/main-abcd1234.js")
    assert "immutable" in kept.headers["cache-control"]
    for path in ("/secret.py", "/%2e%2e/outside.html", "/assets/../../outside.html", "/%00.html", "/..%2foutside.html"):
        assert (await api.http.get(path)).status_code == 404, path


async def test_the_documentation_needs_nothing_from_elsewhere_and_covers_every_route(api: Api) -> None:
    page, script = (await api.http.get("/docs")).text, (await api.http.get("/docs.js")).text
    assert not re.findall(r"https?://", page + script)
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    for path in (
        *("/api/data", "/api/data/all", "/api/aggregated_data", "/api/arbitrage/signals", "/api/history/{symbol}"),
        *("/api/chart/{symbol}", "/api/latest/{symbol}", "/api/markets", "/api/markets/refresh", "/api/coverage"),
        *("/api/exchanges", "/api/venues", "/api/symbols", "/api/system/status", "/api/version", "/api/config"),
        *("/api/switch_symbol", "/api/board", "/healthz", "/readyz", "/metrics"),
    ):
        assert path in paths
    for path, verbs in paths.items():
        for about in verbs.values():
            (content,) = about["responses"]["200"]["content"].values()
            assert "example" in content, path
