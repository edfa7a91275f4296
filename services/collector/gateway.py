"""Where exchange traffic goes when it is to go elsewhere: `VENUE_GATEWAY`."""

from urllib.parse import urlsplit, urlunsplit


def routed(url: str, gateway: str) -> str:
    """`wss://HOST:9443/path?q` through `http://gate:1` is `ws://gate:1/HOST/path?q`; without a gateway unchanged."""
    if not gateway:
        return url
    target, base = urlsplit(url), urlsplit(gateway)
    scheme = {"http": "ws", "https": "wss"}[base.scheme] if target.scheme in ("ws", "wss") else base.scheme
    path = f"{base.path.rstrip('/')}/{target.hostname}{target.path}"
    return urlunsplit((scheme, base.netloc, path, target.query, ""))
