"""Settings: the deployment's from the environment, checked once; the runtime's from Redis, followed live.

`Settings` is read by `load()` at a process's start from the environment over a git-ignored `.env`. `Runtime` lives in
the `config` hash, is validated before it is written, and its change takes effect without a restart.
`docs/settings.md` and `.env.example` are made from the descriptions here (`make docs`).
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from shared.alerts import CLOCK, DEFAULT_RULES, RULE_NAME, AlertRule, ChannelManners, contradiction, folded

Mode = Literal["live", "demo", "replay"]
#: Of which coins the recorder keeps every print.
Recorded = Literal["watch", "all", "none"]

#: The settings that are URLs, and what they may begin with.
URLS: Final[dict[str, tuple[str, ...]]] = {
    "https_proxy": ("http", "socks4", "socks5"),
    "all_proxy": ("http", "socks4", "socks5"),
    "redis_url": ("redis", "rediss", "unix"),
    "database_url": ("postgresql", "postgres"),
    "venue_gateway": ("http", "https"),
    "alert_gateway": ("http", "https"),
}


#: The end of the year 9999, in ms since the epoch.
LATEST_MS: Final = 253_402_300_799_999
#: Redis counts versions in doubles and writes them with 14 digits.
VERSION_MAX: Final = 10**13


class SettingError(ValueError):
    """A setting that cannot be used: names the setting, its value and what was expected."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field}={value!r}: expected {expected}")
        self.field, self.value, self.expected = field, value, expected


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Deployment settings. Each field is an environment variable of the same name in capitals."""

    mode: Annotated[Mode, Meta(description="live, demo (simulated exchanges) or replay (a recording)")] = "live"
    host: Annotated[str, Meta(description="address the web console and API listen on")] = "127.0.0.1"
    auth: Annotated[
        Literal["", "none"], Meta(description="none: whoever reaches a HOST beyond this machine may read and write")
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="port the web console and API listen on")] = 8000
    venues: Annotated[str, Meta(description="exchanges to collect, separated by commas; empty: all")] = ""
    assets: Annotated[str, Meta(description="coins to collect, separated by commas; empty: all")] = ""
    watch: Annotated[str, Meta(description="coins whose trades are always collected, with bars of a second")] = (
        "BTC,ETH"
    )
    record_trades: Annotated[
        Recorded, Meta(description="trades stored: of the coins of WATCH, of all (asks the collectors for them), none")
    ] = "watch"
    record_liquidations: Annotated[
        Recorded, Meta(description="liquidations stored: of the coins of WATCH, of all, none")
    ] = "all"
    overrides: Annotated[
        str,
        Meta(description="file of what you say of single instruments; empty: overrides.toml of the working directory"),
    ] = ""
    https_proxy: Annotated[str, Meta(description="proxy for all exchange traffic: http://, socks5://host:port")] = ""
    all_proxy: Annotated[str, Meta(description="used where HTTPS_PROXY is empty")] = ""
    redis_url: Annotated[str, Meta(description="Redis 7.0 or newer, or Valkey; empty: the embedded one")] = ""
    database_url: Annotated[str, Meta(description="PostgreSQL 14 or newer; empty: the embedded one")] = ""
    data_dir: Annotated[str, Meta(description="where the embedded Redis and Postgres and recordings live")] = "var"
    log_dir: Annotated[str, Meta(description="rotated logs, one file per service; empty: DATA_DIR/log")] = ""
    runtime_dir: Annotated[str, Meta(description="sockets and pid files (a short path); empty: chosen")] = ""
    retention_days: Annotated[int, Meta(ge=1, le=3650, description="history older than this is removed")] = 7
    retention_detail_days: Annotated[
        int, Meta(ge=1, le=3650, description="trades, liquidations and bars of a second older than this are removed")
    ] = 2
    maintenance_hour: Annotated[
        int, Meta(ge=0, le=23, description="hour of the day, UTC, from which on old history is removed")
    ] = 3
    reader_password: Annotated[
        str, Meta(description="lets the database role parallax_reader log in, which only reads; empty: it cannot")
    ] = ""
    max_disk_gb: Annotated[float, Meta(gt=0, le=1e6, description="history and Redis together stay below this")] = 10.0
    archive_days: Annotated[
        int, Meta(ge=0, le=3650, description="raw events are kept in files for so many days; 0: no archive")
    ] = 0
    archive_kinds: Annotated[str, Meta(description="kinds of streams to archive, separated by commas; empty: all")] = ""
    alert_channels: Annotated[
        str,
        Meta(description="where alerts go: name=address, separated by spaces (docs/alerts.md); secret; empty: none"),
    ] = ""
    alert_channels_file: Annotated[str, Meta(description="file with more of them, one a line; empty: none")] = ""
    alert_gateway: Annotated[str, Meta(description="send alerts to this base URL instead: <url>/<host>/<path>")] = ""
    redis_memory_mb: Annotated[int, Meta(ge=64, le=1_000_000, description="memory limit of the embedded Redis")] = 2048
    partitions: Annotated[int, Meta(ge=1, le=1024, description="stream partitions; fixed for a deployment")] = 1
    ui_lang: Annotated[Literal["", "en", "zh"], Meta(description="language of screen and console; empty: yours")] = ""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="least level logged")] = "info"
    venue_gateway: Annotated[
        str, Meta(description="send exchange traffic to this base URL instead (simulator): <url>/<host>/<path>")
    ] = ""

    @property
    def proxy(self) -> str | None:
        return self.https_proxy or self.all_proxy or None

    @property
    def data_path(self) -> Path:
        """The data of this mode: simulated and replayed data never mix with the real."""
        root = Path(self.data_dir).resolve()
        return root if self.mode == "live" else root / self.mode

    @property
    def log_path(self) -> Path:
        return Path(self.log_dir).resolve() if self.log_dir else self.data_path / "log"

    @property
    def archive_path(self) -> Path:
        return self.data_path / "archive"

    @property
    def redis(self) -> str:
        if not self.redis_url:
            raise SettingError("REDIS_URL", "", "the URL of a Redis server (the launcher sets it for the embedded one)")
        return self.redis_url

    @property
    def database(self) -> str:
        if not self.database_url:
            raise SettingError("DATABASE_URL", "", "the URL of a Postgres database (the launcher sets it)")
        return self.database_url

    def venue_list(self, known: Mapping[str, object]) -> list[str]:
        """The chosen venues in the registry's order. Raises `SettingError` on one that is not known."""
        chosen = names(self.venues, str.lower)
        for name in chosen:
            if name not in known:
                raise SettingError("VENUES", name, f"names out of: {', '.join(known)}")
        return [name for name in known if name in chosen] if chosen else list(known)

    def asset_set(self) -> frozenset[str]:
        """The chosen assets; empty means all."""
        return frozenset(names(self.assets, str.upper))

    def watch_set(self) -> frozenset[str]:
        return frozenset(names(self.watch, str.upper))


class Fees(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Taker fees of one venue in basis points, overriding the venue's default."""

    spot: Annotated[float, Meta(ge=-10, le=1000)] | None = None
    perp: Annotated[float, Meta(ge=-10, le=1000)] | None = None


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must give no signal: an asset, a venue, an asset on a venue, or, with `against`, the routes between two
    venues (of one asset, or of all). `until_ms` None: for ever."""

    asset: str | None = None
    venue: str | None = None
    against: str | None = None
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    until_ms: Annotated[int, Meta(ge=0, le=LATEST_MS)] | None = None


class BorrowRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What borrowing coins to sell them spot costs: of a coin, on an exchange, or of a coin on an exchange."""

    asset: str | None = None
    venue: str | None = None
    apr_percent: Annotated[float, Meta(ge=0, le=10_000)]


class Transfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What moving coins from the exchange where they are bought to the one where they are sold costs, in basis points
    of the money traded. None: any coin, from any exchange, to any."""

    asset: str | None = None
    venue: str | None = None
    to: str | None = None
    bps: Annotated[float, Meta(ge=0, le=10_000)]


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """Runtime settings: the `config` hash, field by field, JSON values. See semantics in docs/signals.md."""

    version: Annotated[int, Meta(ge=0, le=VERSION_MAX)] = 0
    symbol: Annotated[str, Meta(description="the coin shown where none is asked for")] = "BTC"
    enter_bps: Annotated[float, Meta(gt=0, le=10_000, description="gross edge that starts a signal")] = 60.0
    exit_ratio: Annotated[float, Meta(gt=0, le=1, description="exit threshold as a share of enter_bps")] = 0.8
    min_net_bps: Annotated[float, Meta(ge=-1000, le=10_000, description="least edge after fees and funding")] = 5.0
    min_size_usd: Annotated[float, Meta(ge=0, le=1e15, description="least size at the top of both books")] = 500.0
    min_volume_usd: Annotated[
        float, Meta(ge=0, le=1e15, description="least turnover of each market in 24 h; 0: any, also where unknown")
    ] = 0.0
    max_edge_bps: Annotated[float, Meta(gt=0, le=1e6, description="a larger edge is not believed")] = 500.0
    near_ratio: Annotated[
        float, Meta(gt=0, le=1, description="from this share of enter_bps on books and statistics are collected")
    ] = 0.5
    book_budget: Annotated[
        int, Meta(ge=0, le=1000, description="order books of each exchange that near edges may ask for; 0: none")
    ] = 10
    trade_usd: Annotated[float, Meta(gt=0, le=1e9, description="what you trade: the books say what it would net")] = (
        1000.0
    )
    sample_ms: Annotated[int, Meta(ge=100, le=60_000, description="distance of the sampling instants")] = 1000
    samples: Annotated[int, Meta(ge=1, le=100, description="consecutive good samples that open a signal")] = 3
    hold_ms: Annotated[int, Meta(ge=0, le=600_000, description="least time from first to last of them")] = 2000
    linger_ms: Annotated[int, Meta(ge=0, le=600_000, description="how long a bad signal may recover")] = 2000
    cooldown_ms: Annotated[int, Meta(ge=0, le=86_400_000, description="pause of a route after its close")] = 30_000
    alive_ms: Annotated[int, Meta(ge=1000, le=60_000, description="a feed silent for longer is not alive")] = 3000
    max_age_ms: Annotated[int, Meta(ge=100, le=600_000, description="oldest quote of a periodic channel")] = 1500
    quiet_max_ms: Annotated[int, Meta(ge=1000, le=3_600_000, description="oldest quote of an on-change one")] = 60_000
    max_skew_ms: Annotated[
        int, Meta(ge=0, le=60_000, description="widest apart in age when a price has just moved")
    ] = 1000
    pair_warmup_ms: Annotated[
        int, Meta(ge=0, le=86_400_000, description="how long a new pair must agree within 5 % before it may signal")
    ] = 600_000
    pins: Annotated[tuple[str, ...], Meta(description="coins known by hand to be the same on every exchange")] = ()
    fees: dict[str, Fees] = {}
    exclusions: tuple[Exclusion, ...] = ()
    borrow_rates: Annotated[tuple[BorrowRate, ...], Meta(description="what borrowing coins to sell costs")] = ()
    transfers: Annotated[tuple[Transfer, ...], Meta(description="what moving coins between exchanges costs")] = ()
    watch: tuple[str, ...] = ()
    alert_rules: tuple[AlertRule, ...] = DEFAULT_RULES
    alert_channels: dict[str, ChannelManners] = {}


def consistent(runtime: Runtime) -> Runtime:
    """The settings as they are meant: coins in capitals, venues in small letters. Raises `SettingError` where they
    contradict each other or a rule says nothing."""
    if wrong := contradiction(runtime.alert_rules, runtime.alert_channels):
        raise SettingError(*wrong)
    if runtime.max_edge_bps < runtime.enter_bps:
        expected = f"at most max_edge_bps, which is {runtime.max_edge_bps:g}: no edge would be both"
        raise SettingError("enter_bps", runtime.enter_bps, expected)
    found: dict[str, Any] = {
        "exclusions": tuple(_meant(rule) for rule in runtime.exclusions),
        "borrow_rates": _once("borrow_rates", [_lent(rule) for rule in runtime.borrow_rates]),
        "transfers": _once("transfers", [_moved(rule) for rule in runtime.transfers]),
    }
    fees = {venue.strip().lower(): fees for venue, fees in runtime.fees.items()}
    pins, watch = (tuple(name.strip().upper() for name in given) for given in (runtime.pins, runtime.watch))
    rules = tuple(folded(rule) for rule in runtime.alert_rules)
    return msgspec.structs.replace(runtime, **found, fees=fees, pins=pins, watch=watch, alert_rules=rules)


def _meant(rule: Exclusion) -> Exclusion:
    """One exclusion, or `SettingError` where it would keep out nothing."""
    asset, venue, against = _coin(rule.asset), _exchange(rule.venue), _exchange(rule.against)
    if not (asset or venue):
        raise SettingError("exclusions", msgspec.to_builtins(rule), "an asset, a venue, or both in each")
    if against and not venue:
        raise SettingError("exclusions", msgspec.to_builtins(rule), "a venue beside against: the pair's other one")
    return msgspec.structs.replace(rule, asset=asset, venue=venue, against=against)


def _lent(rule: BorrowRate) -> BorrowRate:
    """One rate, or `SettingError` where it would be that of everything everywhere."""
    asset, venue = _coin(rule.asset), _exchange(rule.venue)
    if not (asset or venue):
        raise SettingError("borrow_rates", msgspec.to_builtins(rule), "an asset, a venue, or both in each")
    return msgspec.structs.replace(rule, asset=asset, venue=venue)


def _moved(rule: Transfer) -> Transfer:
    """One cost, or `SettingError` where nothing is moved."""
    venue, to = _exchange(rule.venue), _exchange(rule.to)
    if venue and venue == to:
        raise SettingError("transfers", msgspec.to_builtins(rule), "two exchanges: nothing is moved within one")
    return msgspec.structs.replace(rule, asset=_coin(rule.asset), venue=venue, to=to)


def _once(field: str, rules: Sequence[Any]) -> tuple[Any, ...]:
    """The rules, or `SettingError` where two say something of the same."""
    named: set[tuple[str | None, ...]] = set()
    for rule in rules:
        names = tuple(getattr(rule, name, None) for name in ("asset", "venue", "to"))
        if names in named:
            raise SettingError(field, msgspec.to_builtins(rule), "each coin and exchange once")
        named.add(names)
    return tuple(rules)


def _coin(given: str | None) -> str | None:
    return (given.strip().upper() or None) if given else None


def _exchange(given: str | None) -> str | None:
    return (given.strip().lower() or None) if given else None


def names(text: str, fold: Any) -> list[str]:
    return [fold(part.strip()) for part in text.split(",") if part.strip()]


#: What texts of a form look like.
PATTERNS: Final[dict[str | None, str]] = {
    RULE_NAME: "text of small letters, digits and hyphens, at most 40",
    CLOCK: "a time of day, HH:MM",
}
#: Kinds of settings that need a sentence of their own.
EXPECTED: Final[dict[Any, str]] = {
    dict[str, Fees]: "an object: exchange to {spot, perp}, taker fees in bps from -10 to 1000",
    tuple[Exclusion, ...]: "a list of {asset, venue, against, reason, until_ms}, reason of 1 to 200 characters",
    tuple[BorrowRate, ...]: "a list of {asset, venue, apr_percent}, percent a year from 0 to 10000",
    tuple[Transfer, ...]: "a list of {asset, venue, to, bps}, from 0 to 10000: from venue to another exchange",
    tuple[str, ...]: "a list of names",
    tuple[str, str]: "two names",
    tuple[AlertRule, ...]: "a list of rules, each with its kind and name",
    dict[str, ChannelManners]: "an object: channel to its manners",
    bool: "true or false",
}


def expectation(kind: Any) -> str:
    """What a field accepts, in words."""
    if get_origin(kind) is Annotated:
        base, *metas = get_args(kind)
        words = [PATTERNS.get(metas[0].pattern, expectation(base))]
        for meta in metas:
            bounds = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
            words += [f"{word} {getattr(meta, name):g}" for name, word in bounds if getattr(meta, name) is not None]
        return ", ".join(words)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(value or "(empty)" for value in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return " or ".join("null" if one is type(None) else expectation(one) for one in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"an object of {', '.join(field.name for field in msgspec.structs.fields(kind))}"
    if get_origin(kind) is tuple and kind not in EXPECTED and get_args(kind)[-1] is Ellipsis:
        return f"a list, each {expectation(get_args(kind)[0])}"
    return EXPECTED.get(kind, {int: "a whole number", float: "a number", str: "text"}.get(kind, str(kind)))


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; blank lines and lines from `#` on are skipped; quotes around a value are taken off."""
    values: dict[str, str] = {}
    if not path.is_file():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            shown = f"{name}=…" if equals else line  # what follows may be a secret
            raise SettingError(f"{path.name}:{number}", shown, "NAME=value")
        values[name.strip()] = value.strip().strip("\"'")
    return values


def variables(environment: Mapping[str, str] | None = None, env_file: Path | None = None) -> dict[str, str]:
    """Every variable of the environment over those of the file. Raises `SettingError` for a line that is none."""
    found = read_env_file(env_file if env_file is not None else Path(".env"))
    found.update(os.environ if environment is None else environment)
    return found


def load(environment: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Settings from the environment over the file. Raises `SettingError` naming the first bad one."""
    given = variables(environment, env_file)
    hints = get_type_hints(Settings, include_extras=True)
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        text = given.get(field.name.upper(), given.get(field.name) if "proxy" in field.name else None)
        if text is None or (text == "" and field.default != ""):
            continue
        try:
            found[field.name] = msgspec.convert(text, hints[field.name], strict=False)
        except msgspec.ValidationError as error:
            raise SettingError(field.name.upper(), text, expectation(hints[field.name])) from error
    settings = Settings(**found)
    for name, schemes in URLS.items():
        text = getattr(settings, name)
        if text and text.partition("://")[0].lower() not in schemes:
            expected = "a URL that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
            raise SettingError(name.upper(), text, expected)
    return settings
