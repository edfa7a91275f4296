"""What a person is told when an exchange turns us away."""

from typing import Final

BLOCKED: Final = "HTTP 451: not served from this region. Set HTTPS_PROXY or leave it out of VENUES=."
REFUSED: Final = "HTTP 403: the exchange refuses this address."

#: HTTP statuses that say "not from here"
TURNED_AWAY: Final[dict[int, str]] = {451: BLOCKED, 403: REFUSED}
