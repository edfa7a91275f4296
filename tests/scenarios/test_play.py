"""A scenario through the real processes."""

import asyncio
import subprocess
import sys
from pathlib import Path

from deploy.local.process import REPOSITORY
from scenarios.__main__ import run

HERE = Path(__file__).parent


def test_signals_come_where_they_should_and_nowhere_else(tmp_path: Path) -> None:
    (outcome,) = asyncio.run(run([HERE / "quick.toml"], jobs=1, keep=tmp_path))
    assert outcome.faults == ()
    assert (outcome.hits, outcome.expected, outcome.found) == (3, 3, 3)


def test_a_file_that_cannot_be_used_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('name = "bad"\nseconds = 5\n[settings]\nenter_bps = -4\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", str(tmp_path / "bad.toml")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines()), done.stdout) == (2, 1, "")
    assert "bad.toml: enter_bps=-4: expected a number, more than 0" in done.stderr
