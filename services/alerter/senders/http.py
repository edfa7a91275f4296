"""One POST of JSON, and what its answer says. The only place that makes requests of its own."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import requests

from services.alerter.message import NotDelivered

#: To connect, and between two bytes of the answer.
TIMEOUT_S: Final = (4.0, 8.0)
#: So much of an answer is read.
ANSWER_BYTES: Final = 4_096


def through(gateway: str, url: str) -> str:
    """The address behind a gateway: <gateway>/<host>/<path>; the address itself without one."""
    if not gateway:
        return url
    parts = urlsplit(url)
    return f"{gateway.rstrip('/')}/{parts.netloc.rpartition('@')[2]}{parts.path}" + (
        f"?{parts.query}" if parts.query else ""
    )


def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The beginning of the answer's body. Raises `NotDelivered` for anything but a 2xx."""
    try:
        with requests.post(
            url,
            data=body,
            headers={"Content-Type": "application/json", "User-Agent": "Parallax", **headers},
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,
            auth=None if "@" in urlsplit(url).netloc else _nobody,
        ) as answer:
            said: bytes = next(answer.iter_content(ANSWER_BYTES), b"")
            status: int = answer.status_code
            again = answer.headers.get("Retry-After", "")
    except (requests.RequestException, OSError) as error:
        raise NotDelivered(cause(error)) from None  # what they say of themselves holds the address
    except ValueError as error:
        raise NotDelivered(f"the address cannot be used ({type(error).__name__})") from None
    if not 200 <= status < 300:
        raise NotDelivered(f"HTTP {status}", float(again) if again.isdigit() else None)
    return said


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """As we are: without what a .netrc may hold for that host."""
    return request


def cause(error: Exception) -> str:
    """Why nothing could be sent, in words that hold no address."""
    known = (
        (requests.exceptions.ConnectTimeout, "no connection in time"),
        (requests.exceptions.Timeout, "no answer in time"),
        (requests.exceptions.ProxyError, "the proxy cannot be used"),
        (requests.exceptions.SSLError, "the certificate is not trusted"),
        (requests.exceptions.ConnectionError, "no connection"),
    )
    return next((text for kind, text in known if isinstance(error, kind)), type(error).__name__)
