"""Set-up: what pip is configured with reaches uv, and each failure is one sentence."""

import subprocess
from pathlib import Path

import pytest

from deploy.local import setup

LISTING = """
:env:.cert='/etc/certs.pem'
:env:.default-timeout='180'
global.extra-index-url='file:///mirror/simple file:///more/simple'
global.find-links='/wheels'
global.index-url='https://one.example/simple'
install.index-url='https://two.example/simple'
"""


def test_pips_sections_are_ranked_as_pip_ranks_them() -> None:
    found = setup.pip_settings(LISTING)
    assert found["index-url"] == "https://two.example/simple"
    assert found["cert"] == "/etc/certs.pem"
    assert setup.pip_settings(LISTING + ":env:.index-url='https://three.example'\n")["index-url"].startswith(
        "https://three"
    )


def test_the_machines_index_is_passed_on_to_uv() -> None:
    given = setup.uv_environment(setup.pip_settings(LISTING), {"HOME": "/h"})
    assert given["UV_DEFAULT_INDEX"] == "https://two.example/simple"
    assert given["UV_INDEX"] == "file:///mirror/simple file:///more/simple"
    assert given["UV_FIND_LINKS"] == "/wheels"
    assert given["SSL_CERT_FILE"] == "/etc/certs.pem"
    assert given["UV_PYTHON_DOWNLOADS"] == "never"
    assert given["HOME"] == "/h"


def test_what_the_user_says_to_uv_wins_but_no_python_is_downloaded() -> None:
    given = setup.uv_environment(
        setup.pip_settings(LISTING), {"UV_INDEX": "file:///mine", "UV_PYTHON_DOWNLOADS": "automatic"}
    )
    assert given["UV_INDEX"] == "file:///mine"
    assert given["UV_PYTHON_DOWNLOADS"] == "never"


def test_an_index_that_is_switched_off_is_off_for_uv_too() -> None:
    assert setup.uv_environment({"no-index": "true"}, {})["UV_NO_INDEX"] == "1"


def test_a_socks_proxy_is_kept_from_pip_alone() -> None:
    given = {"HTTPS_PROXY": "socks5://127.0.0.1:1080", "HTTP_PROXY": "http://127.0.0.1:3128", "PATH": "/bin"}
    assert setup.pip_environment(given) == {"HTTP_PROXY": "http://127.0.0.1:3128", "PATH": "/bin"}
    assert setup.uv_environment({}, given)["HTTPS_PROXY"] == "socks5://127.0.0.1:1080"


def test_too_little_disk_installs_nothing_and_has_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UI_LANG", "en")
    with pytest.raises(
        setup.SetupFailed, match=r"Too little disk: 500 MB free at .*needs 700 MB. Nothing was ins"
    ) as no:
        setup.check_disk("runtime", 500_000_000)
    assert no.value.status == setup.NO_DISK
    setup.check_disk("runtime", 800_000_000)


@pytest.mark.parametrize(
    ("stdout", "stderr", "expected"),
    [
        (
            "Looking in indexes: https://name:word@index.example/simple\n",
            "WARNING: Retrying (...) after ... [Errno 111] Connection refused')\nERROR: No match\n",
            "index.example: Connection refused",
        ),
        ("", "WARNING: Retrying (...) ConnectTimeoutError(..., 'x timed out.')\nERROR: no\n", "its address: timed out"),
        (
            "",
            "ERROR: one\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES.\nnotice\n",
            "THESE PACKAGES DO NOT MATCH THE HASHES",
        ),
        ("", "", "exit status 7"),
    ],
)
def test_the_reason_is_one_line_without_passwords(stdout: str, stderr: str, expected: str) -> None:
    done = subprocess.CompletedProcess[str]([], 7, stdout, stderr)
    assert setup.reason(done) == expected


def test_the_development_lock_holds_the_other_one() -> None:
    def pins(name: str) -> set[str]:
        lines = (setup.REPOSITORY / name).read_text(encoding="utf-8").splitlines()
        return {line.split("\\")[0].strip() for line in lines if line and not line.startswith((" ", "#"))}

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_the_locks_name_no_address() -> None:
    for path in setup.REPOSITORY.glob("requirements*.lock"):
        assert "://" not in path.read_text(encoding="utf-8"), path.name


def test_a_stamp_of_other_locks_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / "stamp.json"
    monkeypatch.setattr(setup, "STAMP", stamp)
    assert setup.read_stamp() == {}
    stamp.write_text("not json")
    assert setup.read_stamp() == {}
    stamp.write_text('{"runtime": "old"}')
    assert setup.read_stamp().get("runtime") != setup.wanted("runtime")


def test_set_up_imports_nothing_but_the_standard_library() -> None:
    line = ["-S", "-c", "import sys; sys.path[:0] = ['.']; import deploy.local.setup"]
    done = subprocess.run(["python3", "-I", *line], cwd=setup.REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
