"""What the launcher says, in English and Chinese. Standard library only: set-up uses it with nothing installed."""

import os
from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "zh"]

_WORDS: Final[dict[str, tuple[str, str]]] = {
    # set-up
    "no_pip": (
        "This Python cannot make environments. On Debian or Ubuntu: sudo apt install python{version}-venv, then again.",
        "当前 Python 无法创建虚拟环境。Debian/Ubuntu 请先运行：sudo apt install python{version}-venv，然后重试。",
    ),
    "disk_setup": (
        "Too little disk: {free} free at {path}, set-up needs {need}. Nothing was installed.",
        "磁盘空间不足：{path} 剩余 {free}，安装需要 {need}。未安装任何内容。",
    ),
    "setting_up": ("Setting up (once) …", "首次安装中 …"),
    "packages": ("  packages from {lock} …", "  正在安装 {lock} 中的依赖 …"),
    "set_up": ("Set up in {seconds:.0f} s.", "安装完成，用时 {seconds:.0f} 秒。"),
    "no_index": (
        "No package index can be reached, and set-up needs one: {reason}. Connect, set HTTPS_PROXY, or name a mirror "
        "with: pip config set global.index-url URL",
        "无法访问软件包索引，安装无法继续：{reason}。请联网、设置 HTTPS_PROXY，或指定镜像："
        "pip config set global.index-url URL",
    ),
    "install_failed": ("The packages could not be installed: {reason}", "依赖安装失败：{reason}"),
    "cleaned": (
        "Removed caches and builds ({size}). History was not touched.",
        "已清除缓存与构建（{size}）。历史数据未动。",
    ),
    "kept_venv": ("Parallax is running: .venv stays.", "Parallax 正在运行：保留 .venv。"),
    # start
    "already": ("already running: {url}", "已在运行：{url}"),
    "port_taken": (
        "Port {port} is taken by {who}. Stop it, or choose another: PORT={other}",
        "端口 {port} 已被 {who} 占用。请先停止它，或换一个端口：PORT={other}",
    ),
    "host_unusable": ("Cannot listen on HOST={host}: {reason}", "无法监听 HOST={host}：{reason}"),
    "unknown_process": ("another user's process", "其他用户的进程"),
    "left_over": (
        "Left over from an earlier run: {who}. make stop ends it.",
        "上次运行遗留的进程：{who}。运行 make stop 可将其结束。",
    ),
    "disk_run": (
        "Too little disk: {free} free at {path}, Parallax needs {need} to start.",
        "磁盘空间不足：{path} 剩余 {free}，启动至少需要 {need}。",
    ),
    "long_runtime": (
        "RUNTIME_DIR={path}: expected a path of at most {limit} bytes (a socket lives there)",
        "RUNTIME_DIR={path}：路径不能超过 {limit} 字节（其中要放套接字）",
    ),
    "not_writable": ("Cannot write to {path}: {reason}", "无法写入 {path}：{reason}"),
    "infrastructure": (
        "{name} cannot start: {reason} (log: {log})",
        "{name} 无法启动：{reason}（日志：{log}）",
    ),
    "supervisor_gone": ("The supervisor ended by itself (log: {log}).", "监督进程意外退出（日志：{log}）。"),
    "detached": (
        "Running in the background. make status · make logs · make stop",
        "已在后台运行。make status · make logs · make stop",
    ),
    "stopping": ("Stopping …", "正在停止 …"),
    "stopped": ("Stopped.", "已停止。"),
    "stopped_mode": ("Stopped {mode}.", "已停止 {mode}。"),
    "ended": ("Ended {who}.", "已结束 {who}。"),
    "not_running": ("Not running.", "未在运行。"),
    "reset_running": ("Parallax is running: make stop first.", "Parallax 正在运行：请先 make stop。"),
    "reset_ask": (
        "This removes the history of {modes} under {path} ({size}); recordings stay. Type yes to go on: ",
        "将删除 {path} 下 {modes} 的历史数据（{size}），录制文件保留。输入 yes 继续：",
    ),
    "reset_no_terminal": (
        "reset removes the history and asks first; without a terminal: make reset YES=1",
        "reset 会删除历史数据并先询问；没有终端时请用：make reset YES=1",
    ),
    "reset_done": ("Removed {size}.", "已删除 {size}。"),
    "reset_not": ("Nothing was removed.", "未删除任何内容。"),
    "reset_nothing": ("There is no history under {path}.", "{path} 下没有历史数据。"),
    "no_archive": (
        "FILE={name}: a folder, and no archive (nor a day or an hour of one)",
        "FILE={name}：该文件夹不是存档（也不是其中某天或某小时）",
    ),
    "other_partitions": (
        "FILE={name} was archived with PARTITIONS={spread}, here it is {here}: make replay PARTITIONS={spread} …",
        "FILE={name} 是以 PARTITIONS={spread} 存档的，此处为 {here}：make replay PARTITIONS={spread} …",
    ),
    "no_file": ("FILE={name}: no such file", "FILE={name}：文件不存在"),
    "need_file": (
        'make replay needs FILE: make replay FILE="a.jsonl b.jsonl"',
        '请给出 FILE：make replay FILE="a.jsonl b.jsonl"',
    ),
    "need_venue": ("VENUE={venue!r}: expected one of {known}", "VENUE={venue!r}：应为以下之一：{known}"),
    "guess_venue": (
        "No exchange's name is in the path of {name}: say VENUE=, one of {known}",
        "{name} 的路径中没有交易所名称：请指定 VENUE=，可选 {known}",
    ),
    "no_logs": ("There are no logs in {path} yet.", "{path} 中还没有日志。"),
    "replay_ended": ("Replay ended with exit status {status}.", "回放结束，退出状态 {status}。"),
    "recording": ("Recording {venue} to {path}. Ctrl-C ends it.", "正在将 {venue} 录制到 {path}。按 Ctrl-C 结束。"),
    # the screen
    "starting": ("starting … {seconds} s", "启动中 … {seconds} 秒"),
    "ready": ("ready in {seconds} s", "{seconds} 秒就绪"),
    "up": ("up {time}", "已运行 {time}"),
    "demo": (
        "simulated prices, not a market / 模拟行情，非真实市场",
        "模拟行情，非真实市场 / simulated prices, not a market",
    ),
    "replay": ("a recorded session, not the present", "录制行情回放，非实时"),
    "open": ("Open", "打开"),
    "data": ("Data", "数据"),
    "data_line": (
        "{path} {size}, keeps {days} days or {cap} GB; {free} free",
        "{path} {size}，保留 {days} 天或 {cap} GB；剩余 {free}",
    ),
    "best": ("Best now", "当前最佳"),
    "best_line": (
        "{asset}  buy {buy} {buy_price}, sell {sell} {sell_price}  {gross} gross, {net} in+out, {size}",
        "{asset}  {buy} 买 {buy_price}，{sell} 卖 {sell_price}  毛价差 {gross}，双边净 {net}，{size}",
    ),
    "best_none": ("nothing pays after fees", "扣费后暂无机会"),
    "signals": ("Signals {count} open", "信号 {count} 个进行中"),
    "live": ("live", "正常"),
    "starting_state": ("starting", "启动中"),
    "connecting": ("connecting", "连接中"),
    "blocked": ("blocked", "受阻"),
    "degraded": ("degraded", "降级"),
    "down": ("down", "停止"),
    "instruments": ("{count:,} instruments", "{count:,} 个品种"),
    "topics": ("{live} of {count} topics", "{live}/{count} 个订阅"),
    "rate": ("{count:,} msg/s", "{count:,} 条/秒"),
    "http_451": (
        "HTTP 451: not served from this region. Set HTTPS_PROXY or leave it out of VENUES=.",
        "HTTP 451：该地区不提供服务。请设置 HTTPS_PROXY，或将其移出 VENUES=。",
    ),
    "http_403": (
        "HTTP 403: refused by the exchange or something on the way. Set HTTPS_PROXY or leave it out of VENUES=.",
        "HTTP 403：被交易所或中间网络拒绝。请设置 HTTPS_PROXY，或将其移出 VENUES=。",
    ),
    "retry": ("Retry in {seconds} s.", "{seconds} 秒后重试。"),
    "unreachable": (
        "No exchange can be reached; still trying. Behind a wall: HTTPS_PROXY=…. To look around without: make demo",
        "所有交易所均无法访问，持续重试中。如需代理：HTTPS_PROXY=…；无网络体验：make demo",
    ),
    "failing": ("{name} keeps failing: {reason} (log: {log})", "{name} 反复失败：{reason}（日志：{log}）"),
    "killed": ("it was ended from outside", "被外部终止"),
    "redis_away": ("Redis does not answer: {reason}", "Redis 无响应：{reason}"),
    "foot": (
        "Stop Ctrl-C · keep running after logout: make start · 中文: make run UI_LANG=zh",
        "停止 Ctrl-C · 退出登录后继续运行：make start · English: make run UI_LANG=en",
    ),
    "foot_detached": ("make status · make logs · make stop", "make status · make logs · make stop"),
}


def language(environment: Mapping[str, str] | None = None) -> Language:
    """UI_LANG where it is set, else the locale's: zh for any Chinese one."""
    given = os.environ if environment is None else environment
    for name in ("UI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if given.get(name):
            return "zh" if given[name].lower().startswith("zh") else "en"
    return "en"


def text(key: str, /, **values: object) -> str:
    """A sentence in the language of this terminal."""
    return text_in(language(), key, **values)


def text_in(lang: Language, key: str, /, **values: object) -> str:
    return _WORDS[key][lang == "zh"].format(**values)


def size(count: float) -> str:
    """Bytes for a person: 1.2 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB" if count < 10 else f"{count:.0f} GB"
