"""The users' file of overrides: read at start, and again when it has changed."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Final

from services.collector.overrides import Override, parse
from shared.config import SettingError, Settings

#: read where no other file is named, if it exists
USUAL: Final = "overrides.toml"

log = logging.getLogger(__name__)


class OverrideFile:
    """`entries` are those of the last good reading. Raises `SettingError` where the first reading fails."""

    def __init__(self, settings: Settings, venues: Collection[str]) -> None:
        self.path = Path(settings.overrides or USUAL)
        self._venues, self._named = venues, bool(settings.overrides)
        self._seen = self._stamp()
        self.entries: tuple[Override, ...] = ()
        if self._seen is not None or self._named:
            self.entries = self._read()

    def of(self, venue: str) -> tuple[Override, ...]:
        return tuple(entry for entry in self.entries if entry.venue == venue)

    def look(self) -> bool:
        """Read it again where it has changed. What cannot be used is said once, and the last good reading stays."""
        seen = self._stamp()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            entries = self._read()
        except SettingError as error:
            log.warning("The overrides stay as they were. %s", error)
            return False
        changed = entries != self.entries
        self.entries = entries
        log.info("%s: %d overrides", self.path, len(entries))
        return changed

    def _stamp(self) -> tuple[int, int, int] | None:
        """What changes with the file; None without one."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> tuple[Override, ...]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingError("OVERRIDES", str(self.path), f"a file that can be read ({why})") from error
        return parse(text, self._venues, self.path.name)
