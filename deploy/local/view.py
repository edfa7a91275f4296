"""How the screen reaches a person: redrawn in place in a terminal, else once and then state changes line by line."""

import sys
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from deploy.local.screen import Facts, explain, lines, notices
from deploy.local.status import Snapshot
from deploy.local.words import Language, text_in

#: Without a terminal the screen is printed when all is up, or after this long whatever is up.
PATIENCE_S = 45


class View(Protocol):
    def show(self, facts: Facts, snapshot: Snapshot) -> None:
        """Called about once a second."""

    def say(self, sentence: str) -> None:
        """One line that stays."""

    def again(self) -> None:
        """Show the whole screen once more where it is not there all the time."""

    def close(self) -> None: ...


class TerminalView:
    def __init__(self, lang: Language) -> None:
        self._lang = lang
        self._live = Live(console=Console(highlight=False), auto_refresh=False)
        self._live.start()

    def show(self, facts: Facts, snapshot: Snapshot) -> None:
        self._live.update(Group(*lines(facts, snapshot, self._lang)), refresh=True)

    def say(self, sentence: str) -> None:
        self._live.console.print(Text(sentence))

    def again(self) -> None:
        return

    def close(self) -> None:
        self._live.stop()


class PlainView:
    """Lines for a log or a pipe: never more than what changed."""

    def __init__(self, lang: Language) -> None:
        self._lang = lang
        self._shown = False
        self._states: dict[str, tuple[str, str]] = {}
        self._notices: frozenset[str] = frozenset()

    def show(self, facts: Facts, snapshot: Snapshot) -> None:
        states = {venue.name: (venue.state, explain(venue.detail, self._lang)) for venue in snapshot.venues}
        self._tell_new(notices(facts, snapshot, self._lang))
        if not self._shown:
            if facts.ready_s is None and facts.elapsed_s < PATIENCE_S:
                return
            for line in lines(facts, snapshot, self._lang):
                self.say(line.plain)
            self._shown = True
        else:
            for name, (state, detail) in states.items():
                if self._states.get(name, ("", ""))[0] != state:
                    self.say(f"{name} {text_in(self._lang, state_word(state))} {detail}".rstrip())
        self._states = states

    def _tell_new(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            if sentence not in self._notices:
                self.say(f"! {sentence}")
        self._notices = frozenset(sentences)

    def say(self, sentence: str) -> None:
        print(sentence, flush=True)

    def again(self) -> None:
        self._shown = False

    def close(self) -> None:
        return


def state_word(state: str) -> str:
    known = {"live": "live", "connecting": "connecting", "blocked": "blocked", "degraded": "degraded", "down": "down"}
    return known.get(state, "starting_state")


def make(lang: Language, detached: bool) -> View:
    if sys.stdout.isatty() and not detached and Console().is_terminal and not Console().is_dumb_terminal:
        return TerminalView(lang)
    return PlainView(lang)
