"""What a backtest says, in English and Chinese."""

from typing import Final, Literal

Language = Literal["en", "zh"]

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Backtest", "回测"),
    "range": ("{begin} to {end}", "{begin} 至 {end}"),
    "read": (
        "{entries} entries with {events} events, in {seconds:.0f} s",
        "读取 {entries} 条流记录、{events} 个事件，用时 {seconds:.0f} 秒",
    ),
    "same": (
        "Of {sent} records that the live scanner sent in this range, {same} were made again to the byte.",
        "实时扫描器在该时段发出的 {sent} 条记录中，{same} 条逐字节重现。",
    ),
    "over": ("Settings other than the live ones: {over}", "与实时不同的设置：{over}"),
    "terms": (
        "A taker sends both orders when a signal opens; they fill {latencies} later at the best prices of then, at "
        "most the size of both tops. It leaves once the prices have met (edge ≤ {exit:g} bps), after {hold:g} s at "
        "the latest. All four taker fees and funding due are paid. Spot against spot is kept once it is in: moving "
        "the coins back is not paid for here.",
        "信号开启时双边同时下单，{latencies} 后按当时最优价成交，数量不超过两边一档。价差收敛（≤ {exit:g} bps）"
        "即平仓，最迟 {hold:g} 秒。已扣除四笔吃单手续费与期间资金费。现货对现货开仓即计入，未计搬币成本。",
    ),
    "gaps": ("The archive misses something in this range ({n}):", "该时段存档有缺失（{n} 处）："),
    "breaks": ("{n} times the scanner's state had to be taken up anew.", "扫描状态中断重建 {n} 次。"),
    "none": ("No signal opened in this range.", "该时段没有信号开启。"),
    "signals": ("Signals", "信号"),
    "still_open": ("open at the end", "期末仍开启"),
    "kind": ("kind", "类型"),
    "reason": ("closed by", "关闭原因"),
    "duration": ("lasted, s", "持续（秒）"),
    "peak": ("peak, bps", "峰值 bps"),
    "taker": ("What a taker had kept", "吃单者的结果"),
    "latency": ("latency", "延迟"),
    "taken": ("taken", "成交"),
    "missed": ("missed", "未成交"),
    "alive": ("still paying", "仍有利"),
    "in": ("net going in, bps", "开仓净值 bps"),
    "kept_bps": ("kept, bps", "净得 bps"),
    "won": ("won", "盈利占比"),
    "kept_usd": ("kept, $", "净得 $"),
    "turnover": ("bought for, $", "买入额 $"),
    "held": ("held, s", "持有（秒）"),
    "out": ("left by", "平仓方式"),
    "kinds": ("By kind", "按类型"),
    "pairs": ("By pair of exchanges", "按交易所对"),
    "venues": ("By exchange", "按交易所"),
    "routes": ("By route", "按路线"),
    "hours": ("By hour (UTC)", "按小时（UTC）"),
    "list": ("Every signal", "全部信号"),
    "n": ("signals", "信号数"),
    "median": ("median", "中位"),
    "most": ("most", "最大"),
    "mean": ("mean", "平均"),
    "open_net": ("net at open, bps", "开启净值 bps"),
    "open_edge": ("edge at open, bps", "开启价差 bps"),
    "route": ("route", "路线"),
    "venue": ("exchange", "交易所"),
    "pair": ("pair", "交易所对"),
    "hour": ("hour", "小时"),
    "opened": ("opened", "开启"),
    "asset": ("coin", "币种"),
    "buy": ("buy", "买"),
    "sell": ("sell", "卖"),
    "size": ("size, $", "规模 $"),
    "plot_time": ("Kept, $, added up over time", "累计净得 $"),
    "plot_lasted": ("How many last longer than …", "持续超过该时长的信号占比"),
    "plot_decay": ("Net when it opened against net when the order came in, bps", "开启净值与成交时净值（bps）"),
    "plot_kept": ("What each taking kept, bps", "每笔净得分布（bps）"),
    "x_seconds": ("seconds", "秒"),
    "x_open": ("net at open", "开启净值"),
    "written": ("Report: {path}", "报告：{path}"),
    "more": ("… and {n} more in the report", "… 其余 {n} 条见报告"),
    "flags": (
        "Sizes are those of the best level. Prices are what the feed showed: no queue, no impact, no refused order.",
        "规模取最优一档；价格为行情所示，未计排队、冲击与拒单。",
    ),
}


def text(name: str, lang: Language, **values: object) -> str:
    return _WORDS[name][lang == "zh"].format(**values)
