"""Command lines: what cannot be used is one sentence that names the argument, its value and what was expected."""

import argparse
from collections.abc import Callable, Collection
from typing import Any, NoReturn


class Usage(ValueError):
    """What is wrong with the command line or an input file, in one sentence."""


class Parser(argparse.ArgumentParser):
    """Raises `Usage` where another one would print its usage and leave."""

    def __init__(self, command: str, description: str) -> None:
        super().__init__(prog=f"python -m services.collector {command}".strip(), description=description)

    def error(self, message: str) -> NoReturn:
        raise Usage(message.removeprefix("argument "))


def one_of(names: Collection[str]) -> Callable[[str], str]:
    """An argument that is one of these."""

    def read(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(names)}")
        return text

    return read


def number(least: float, most: float, kind: type[int] | type[float] = float) -> Callable[[str], Any]:
    """An argument that is a number of these bounds."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(least) - 1
        if not least <= value <= most:
            word = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r}: expected {word} of {least:g} to {most:g}")
        return value

    return read
