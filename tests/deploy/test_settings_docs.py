"""The documents about settings are made from the code."""

from deploy.local import settings_docs
from shared.config import load


def test_the_settings_page_is_what_the_code_says() -> None:
    assert settings_docs.DOCUMENT.read_text(encoding="utf-8") == settings_docs.document(), "run: make docs"


def test_the_example_file_is_what_the_code_says() -> None:
    assert settings_docs.EXAMPLE.read_text(encoding="utf-8") == settings_docs.example(), "run: make docs"


def test_every_line_of_the_example_can_be_switched_on() -> None:
    lines = settings_docs.EXAMPLE.read_text(encoding="utf-8").splitlines()
    given = dict(line[2:].split("=", 1) for line in lines if line.startswith("# ") and line[2:].split("=")[0].isupper())
    assert load(given) == load({})
