"""What `deploy/` has of exchanges and settings, made from the code: collectors in the Compose file, settings' names."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import fields

from deploy.local.process import REPOSITORY
from services.collector.venues import VENUES
from shared.config import Settings

COMPOSE: Final = REPOSITORY / "deploy" / "docker-compose.yml"
NAMES: Final = REPOSITORY / "deploy" / "settings.env"
#: settings that say what the containers are, or that mean nothing in them
OF_THE_FILE: Final = frozenset(
    {"MODE", "HOST", "AUTH", "PORT", "VENUES", "REDIS_URL", "DATABASE_URL", "REDIS_MEMORY_MB"}
    | {"DATA_DIR", "LOG_DIR", "RUNTIME_DIR", "OVERRIDES"}
)
_BEGIN: Final = "  # one collector of each exchange, made by `make docs`\n"
_END: Final = "  # end of the collectors\n"
_COLLECTOR: Final = """  collector-{venue}:
    <<: *service
    command: ["python", "-m", "services.collector", "run", "--venue", "{venue}"]
    healthcheck:
      <<: *health
      test: ["CMD", "python", "-m", "deploy.health", "{venue}"]

"""
_NAMES_HEAD: Final = (
    "# What the containers take from the shell that starts Compose, over .env. Made from the code by `make docs`.\n"
    "# Names alone: no value belongs in this file.\n"
)


def compose(text: str, venues: Iterable[str]) -> str:
    """The Compose file with a collector of each exchange and none of any other."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + "".join(_COLLECTOR.format(venue=venue) for venue in venues) + _END + after


def settings_names() -> str:
    """The lines of `settings.env`."""
    settings = [field.name.upper() for field in fields(Settings) if field.name.upper() not in OF_THE_FILE]
    of_venues = [variable.name for venue in VENUES.values() for variable in venue.variables]
    return _NAMES_HEAD + "".join(f"{name}\n" for name in [*settings, *of_venues])


def write() -> None:
    COMPOSE.write_text(compose(COMPOSE.read_text(encoding="utf-8"), VENUES), encoding="utf-8")
    NAMES.write_text(settings_names(), encoding="utf-8")
