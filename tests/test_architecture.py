"""Rules of the tree that no single module can see: who imports what, what names appear where, how long things are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.collector.venues import VENUES

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("shared", "services", "deploy", "bench", "scenarios", "tests", "examples")

PURE = [
    *("shared/" + name for name in ("events.py", "codec.py", "instruments.py", "signals.py", "streams.py")),
    *("shared/" + name for name in ("resp.py", "backlog.py", "outbox.py", "last_values.py", "seqs.py", "cursor.py")),
    *(
        f"services/collector/{name}.py"
        for name in (
            "messages",
            "table",
            "normalise",
            "venue",
            "plan",
            "session",
            "book_sync",
            "continuity",
            "typed_rows",
            "merge",
            "naming",
            "listing",
            "overrides",
            "roster",
        )
    ),
    "services/collector/venues",
    "services/scanner/market.py",
    "services/scanner/lifecycle.py",
    *(f"services/scanner/{name}.py" for name in ("judge", "plan", "score", "why")),
    "services/scanner/detectors",
    *(
        f"services/recorder/{name}.py"
        for name in ("bars", "choice", "copytext", "lines", "recent", "tables", "volumes")
    ),
    *(f"shared/{name}.py" for name in ("alerts", "alert_words")),
    *(
        f"services/alerter/{name}.py"
        for name in ("picture", "lifecycle", "routing", "desk", "health", "state", "texts", "message")
    ),
    "services/alerter/rules",
    "shared/routes",
]
#: A pure module gets time, ids and bytes as arguments. (`datetime` as a parser of text is no clock, yet its `now` is
#: one import away: venues' times are made from integers and text by `normalise`.)
IMPURE = {"asyncio", "socket", "redis", "aiohttp", "picows", "httpx", "requests", "time", "datetime", "logging"}
IMPURE |= {"websockets", "asyncpg", "random", "uuid", "secrets", "threading", "subprocess", "urllib"}

#: Who may import what does I/O, in shared/ and services/.
KEEPERS: dict[str, set[str]] = {
    "redis": {"shared/bus.py"},
    "picows": {"services/collector/runner.py"},
    "aiohttp": {"services/collector/rest.py"},
    "requests": {"services/alerter/senders/http.py"},
    "apprise": {"services/alerter/senders/library.py"},
}
#: Who holds a connection to Postgres: the recorder's writing side (a ratchet: its folds never), one module of the api.
DATABASE_MODULES = {
    f"services/recorder/{name}.py" for name in ("__main__", "access", "database", "locks", "migrate", "recorder")
}
DATABASE_MODULES |= {"services/api/store.py"}

FILE_LINES, FUNCTION_LINES = 400, 70
#: Split so that this file passes its own test.
FORBIDDEN = re.compile(
    "|".join([r"\bTO" + "DO", r"\bFIX" + "ME", r"\bXX" + r"X\b", "pypi" + r"\.", "registry" + r"\.npm"])
)
TEXTS = (
    "*.py",
    "*.md",
    "*.toml",
    "*.yml",
    "*.yaml",
    "*.lock",
    "*.js",
    "*.html",
    "*.css",
    "*.sql",
    "Makefile",
    "Dockerfile",
)


def python_files(*parts: str) -> Iterator[Path]:
    for part in parts:
        path = ROOT / part
        found = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
        yield from (file for file in found if file.is_file() and "node_modules" not in file.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    """The top packages that a file imports at run time (what is under `if TYPE_CHECKING` is not)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("part", PURE)
def test_the_pure_core_imports_no_clock_no_socket_and_no_loop(part: str) -> None:
    wrong = {name_of(path): sorted(top(imports(path)) & IMPURE) for path in python_files(part)}
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("package", KEEPERS)
def test_each_kind_of_io_is_in_one_file(package: str) -> None:
    users = {name_of(path) for path in python_files("shared", "services") if package in top(imports(path))}
    assert users - KEEPERS[package] - {name for name in users if name.startswith("services/simulator/")} == set()


def test_few_modules_talk_to_postgres() -> None:
    users = {name_of(path) for path in python_files("shared", "services") if "asyncpg" in top(imports(path))}
    assert users - DATABASE_MODULES == set()


def test_shared_imports_no_service() -> None:
    wrong = {name_of(path) for path in python_files("shared") if top(imports(path)) & {"services", "deploy", "bench"}}
    assert wrong == set()


def test_services_do_not_import_each_other() -> None:
    wrong = [
        f"{name_of(path)} imports {name}"
        for path in python_files("services")
        for name in imports(path)
        if name.startswith("services.") and name.split(".")[1] != path.relative_to(ROOT / "services").parts[0]
        # The registry says which venues there are and their facts; the simulator plays them.
        if not name.startswith(("services.collector.venues", "services.collector.venue", "services.collector.capture"))
    ]
    assert wrong == []


def test_every_venue_is_a_registered_folder_with_its_readme_and_cases() -> None:
    home = ROOT / "services" / "collector" / "venues"
    folders = {path.parent.name for path in home.glob("*/__init__.py")}
    assert folders == set(VENUES)
    for venue in folders:
        assert (home / venue / "README.md").is_file(), f"{venue} has no README.md"
        cases = list((ROOT / "tests" / "venues" / venue).glob("*/frames.jsonl"))
        assert cases, f"{venue} has no golden cases in tests/venues/{venue}"
        for case in cases:
            assert (case.parent / "source.md").is_file(), f"{name_of(case.parent)} does not say where it is from"
            assert (case.parent / "events.jsonl").is_file(), f"{name_of(case.parent)} has no events.jsonl"


def test_no_venue_is_named_outside_its_folder_and_the_registry() -> None:
    names = "|".join(VENUES)
    venue = re.compile(rf"(?<![a-z])({names})(?![a-z])", re.IGNORECASE)
    allowed = ("services/collector/venues/", "services/simulator/")
    wrong = [
        f"{name_of(path)}:{number}: {line.strip()[:80]}"
        for path in python_files("shared", "services")
        if not name_of(path).startswith(allowed)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if venue.search(line)
    ]
    assert wrong == []


def test_files_and_functions_stay_short() -> None:
    long = []
    for path in python_files(*PACKAGES):
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > FILE_LINES:
            long.append(f"{name_of(path)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    long.append(f"{name_of(path)}:{node.lineno} {node.name}: {length} lines")
    assert long == []


def test_nothing_is_left_open_and_no_package_index_is_named() -> None:
    wrong = []
    for pattern in TEXTS:
        for path in ROOT.rglob(pattern):
            relative = path.relative_to(ROOT)
            if relative.parts[0].startswith(".") or relative.parts[0] == "var" or "node_modules" in relative.parts:
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            wrong += [f"{relative}: {found[0]}" for found in FORBIDDEN.finditer(text)]
    assert wrong == []


def test_no_error_is_swallowed_below_a_service() -> None:
    """`except Exception` stands in a service's main alone, `shared/service.py`; to tidy up and raise again is fine."""
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files("shared", "services", "deploy")
        if name_of(path) != "shared/service.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and not (isinstance(node.body[-1], ast.Raise) and not node.body[-1].exc)
        if node.type is None or {"Exception", "BaseException"} & set(ast.unparse(node.type).strip("()").split(", "))
    ]
    assert wrong == []
