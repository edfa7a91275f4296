"""`make lock`: resolve the locks anew. No index, no host and no path of this machine gets into them."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local.process import REPOSITORY
from deploy.local.setup import PYTHON, VENV, pip_settings, run, uv_environment

UV = "uv==0.13.8"
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")


def compile_lock(source: Path, target: str, *options: str) -> None:
    settings = pip_settings(run([str(PYTHON), "-m", "pip", "config", "list"]).stdout)
    line = [str(VENV / "bin" / "uv"), "pip", "compile", *OPTIONS, *options, str(source), "-o", target]
    subprocess.run(
        line, cwd=REPOSITORY, env=uv_environment(settings, os.environ), check=True, stdout=subprocess.DEVNULL
    )


def main() -> int:
    project = REPOSITORY / "pyproject.toml"
    compile_lock(project, "requirements.lock")
    compile_lock(project, "requirements-dev.lock", "--group", "dev")
    with TemporaryDirectory() as folder:
        source = Path(folder) / "setup.in"
        source.write_text(UV + "\n", encoding="utf-8")
        compile_lock(source, "requirements-setup.lock")
    return 0


if __name__ == "__main__":
    sys.exit(main())
