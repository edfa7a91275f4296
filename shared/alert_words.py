"""What an alert is called, in English and Chinese: the same in every channel and in the console. Pure."""

from typing import Final

from shared.alerts import Alert

Words = dict[str, tuple[str, str]]

_MARKS: Final = {"info": "ℹ", "warning": "▲", "critical": "✗"}
_ENDED: Final = "✓"
#: What each measure is called; `{}` takes the subject.
_TITLES: Final[Words] = {
    "net": ("Signal {}: {value} bps net", "信号 {}：净价差 {value} bps"),
    "funding": ("Funding {}: {value} {unit}", "资金费率 {}：{value} {unit}"),
    "funding differential": ("Funding differential {}: {value} {unit}", "资金费率差 {}：{value} {unit}"),
    "premium": ("Premium {}: {value} bps", "溢价 {}：{value} bps"),
    "basis": ("Basis {}: {value} bps", "基差 {}：{value} bps"),
    "price": ("Price {}: {value}", "价格 {}：{value}"),
    "silent": ("{venue}: no collector for {value} s", "{venue}：采集进程已 {value} 秒无响应"),
    "down": ("{venue}: not connected", "{venue}：未连接"),
    "quote": ("{venue}: newest quote is {value} s old", "{venue}：最新报价已过 {value} 秒"),
    "rate": ("{venue}: only {value} frames/s", "{venue}：仅 {value} 帧/秒"),
    "stale": ("{venue}: {value} % of its markets are stale", "{venue}：{value} % 的交易对数据过期"),
    "stale markets": ("{venue}: {value} watched markets are stale", "{venue}：{value} 个关注的交易对数据过期"),
    "latency": ("{venue}: latency {value} ms", "{venue}：延迟 {value} 毫秒"),
    "interval": ("{venue} {symbol}: funding every {after}", "{venue} {symbol}：资金费结算周期 {after}"),
    "cap": ("{venue} {symbol}: funding bounds {after}", "{venue} {symbol}：资金费率上下限 {after}"),
}
_WORDS: Final[Words] = {
    "over": ("over", "已结束"),
    "gone": ("no longer measured", "已无数据"),
    "rule": ("its rule was removed", "规则已移除"),
    "limit": ("limit {} {}", "阈值 {} {}"),
    "peak": ("peak {} {}", "峰值 {} {}"),
    "since": ("since {}", "始于 {}"),
    "lasted": ("lasted {}", "持续 {}"),
    "repeats": ("back {} times during its cool-down", "冷却期内又出现 {} 次"),
    "digest": ("{} alerts", "{} 条告警"),
    "more": ("and {} more", "另有 {} 条"),
    "route": ("{}", "{}"),
    "routes": ("{} routes", "{} 条路线"),
    "edge_bps": ("edge {} bps", "价差 {} bps"),
    "size_usd": ("${}", "${}"),
    "rate": ("rate {}", "费率 {}"),
    "interval_h": ("every {} h", "每 {} 小时"),
    "buy": ("buy {}", "买入 {}"),
    "sell": ("sell {}", "卖出 {}"),
    "usual_ms": ("usually {} ms", "通常 {} 毫秒"),
    "markets": ("{}", "{}"),
    "detail": ("{}", "{}"),
    "before": ("before: {}", "此前：{}"),
    "test": ("Test of the channel {}", "通道 {} 的测试"),
    "test body": ("If you can read this, alerts arrive here.", "看到此消息，说明告警可以送达。"),
    "rule name": ("rule {}", "规则 {}"),
    "demo": ("DEMO", "模拟"),
    "replay": ("REPLAY", "回放"),
}


def word(name: str, lang: str, *values: object) -> str:
    return _WORDS[name][lang == "zh"].format(*values)


def title(alert: Alert, lang: str) -> str:
    pattern = _TITLES[alert.measure][lang == "zh"]
    shown = alert.peak if alert.event == "end" and alert.peak is not None else alert.value
    unit = (
        {"% a year": "年化 %", "bps in 8 h": "bps/8 小时"}.get(alert.unit, alert.unit) if lang == "zh" else alert.unit
    )
    known = {"symbol": "", "after": "", **alert.about}
    text = pattern.format(alert.subject, value=shown, unit=unit, venue=alert.venue or "", **_plain(known))
    if alert.event == "end":
        reason = "over" if alert.end_reason == "recovered" else str(alert.end_reason)
        return f"{_ENDED} {text} · {word(reason, lang)}, {word('lasted', lang, lasted(alert.duration_ms or 0))}"
    return f"{_MARKS[alert.severity]} {text}"


def _plain(about: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in about.items() if name in ("symbol", "after")}


def lasted(duration_ms: int) -> str:
    """A span of time in its two largest units."""
    seconds = duration_ms // 1000
    if seconds < 60:
        return f"{duration_ms / 1000:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds // 60 % 60} min"


def known(name: str) -> bool:
    """Whether there are words for a fact of this name."""
    return name in _WORDS
