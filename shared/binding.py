"""Which addresses may be listened on: this machine's own, unless somebody says more aloud. Pure."""

from ipaddress import ip_address

from shared.config import SettingError, Settings


def is_loopback(host: str) -> bool:
    """Whether a listening address or a host name means this machine alone."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_binding(settings: Settings) -> None:
    """Refuse to listen beyond this machine without a word about access. Raises `SettingError`."""
    if not is_loopback(settings.host) and settings.auth != "none":
        raise SettingError(
            "HOST",
            settings.host,
            "a loopback address, or AUTH=none beside it to say that everyone who reaches this port may read and write",
        )
