// The inspector: is this spread real, what is it made of, and every market of the coin beside it.

import * as f from "./format.js";
import { atSize, ageClass, alive } from "./columns.js";
import { derive, median, per8h } from "./derive.js";
import { cls, h, replace, s, text } from "./dom.js";
import { t, word } from "./i18n.js";
import { marketTag } from "./names.js";

const GOOD = new Set(["ok", "quiet"]);
const SAME_COIN = 0.03;
const num = (value) => (value == null ? null : Number(value));
const mid = (leg) => (leg?.bid != null && leg?.ask != null ? (num(leg.bid) + num(leg.ask)) / 2 : null);

/** Whether two markets price the same coin: by their indexes where both tell, else by their own middles. */
export function sameCoin(buy, sell) {
  const byIndex = num(buy?.index) && num(sell?.index);
  const [a, b] = byIndex ? [num(buy.index), num(sell.index)] : [mid(buy), mid(sell)];
  if (!a || !b) return null;
  return { ratio: b / a, by: byIndex ? "index" : "mid", ok: Math.abs(b / a - 1) <= SAME_COIN };
}

/** The questions that decide whether a spread is real: [{ok: true | false | null, text}]. */
export function checks(entry, legs, ctx) {
  const { row, d } = entry;
  const [buy, sell] = ["buy", "sell"].map((side) => legs.get(`${row[`${side}_venue`]}:${row[`${side}_market`]}:${row[`${side}_native`]}`));
  const age = (side) => f.age(row[`${side}_recv_ms`] == null ? null : ctx.now - row[`${side}_recv_ms`]);
  const states = [row.buy_state, row.sell_state];
  const found = [];
  const fresh = states.every((state) => GOOD.has(state));
  const said = states.map((state) => word("leg", state)).join(" / ");
  found.push({ ok: fresh, text: t("check.fresh", { buy: age("buy"), sell: age("sell"), said }) });
  const same = sameCoin(buy, sell);
  if (same) found.push({ ok: same.ok, text: t(`check.same.${same.by}`, { ratio: same.ratio.toFixed(4) }) });
  else found.push({ ok: null, text: t("check.same.unknown") });
  found.push({ ok: !states.some((state) => ["halted", "delisted"].includes(state)), text: t("check.trading") });
  const crossed = [buy, sell].some((leg) => leg?.bid != null && leg?.ask != null && num(leg.bid) >= num(leg.ask));
  found.push({ ok: !crossed && !states.includes("crossed"), text: t("check.crossed") });
  const fits = { usd: f.dollars(d.usd), mine: f.dollars(ctx.size) };
  found.push({ ok: d.usd >= ctx.size, text: t(d.usd >= ctx.size ? "check.fits" : "check.short", fits) });
  const due = Number(row.net_cash_bps) - Number(row.net_open_bps);
  if (due < -0.05) found.push({ ok: d.net > 0 ? d.net + due > 0 : null, text: t("check.due", { bps: f.bps(due) }) });
  const { ms, exact, signal } = alive(entry, ctx);
  if (signal) found.push({ ok: true, text: t("check.signal", { span: f.span(ms) }) });
  else if (ms != null) found.push({ ok: ms > 3_000 || null, text: t("check.alive", { span: (exact ? "" : "≥ ") + f.span(ms) }) });
  return found;
}

const SIGN = { true: "✓", false: "✗", null: "?" };

function checkList(found) {
  return found.map(({ ok, text: said }) =>
    h("li", { class: ok ? "yes" : ok === false ? "no" : "unsure" }, h("i", { text: SIGN[ok] }), h("span", { text: said })),
  );
}

function steps({ row, d }, ctx) {
  const line = (label, value, kind = "") => h("div", { class: `step ${kind}` }, h("span", { text: label }), h("b", { text: value }));
  const { traded, money } = atSize(d, ctx.size);
  const out = row.kind === "spot-spot" ? null : line(t("step.out"), f.signed(-d.fees, 1));
  return [
    line(t("step.gross"), f.bps(d.gross)),
    line(t("step.in"), f.signed(-d.fees, 1)),
    out,
    line(t("step.net"), f.bps(d.net), d.net > 0 ? "total up" : "total"),
    line(t("step.money", { usd: f.dollars(traded) }), f.money(money), d.net > 0 ? "up" : ""),
    row.kind === "spot-spot" ? null : line(t("step.now"), f.bps(row.net_now_bps), "dim"),
  ];
}

/** The net of the last minutes as a line, zero marked: drawn, not to be read off. */
export function trailChart(trail, width = 340, height = 44) {
  if (trail.length < 3) return h("p", { class: "dim small", text: t("trail.soon") });
  const times = trail.map(([at]) => at);
  const values = trail.map(([, value]) => value);
  const middle = (Math.min(...values) + Math.max(...values)) / 2;
  const reach = Math.max(2, Math.max(...values) - middle);
  const [low, high] = [middle - reach, middle + reach];
  const zero = low < 0 && high > 0;
  const x = (at) => ((at - times[0]) / Math.max(1, times[times.length - 1] - times[0])) * (width - 4) + 2;
  const y = (value) => height - 4 - ((value - low) / (high - low)) * (height - 8);
  const path = trail.map(([at, value], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const last = values[values.length - 1];
  const label = t("trail.label", { span: f.span(times[times.length - 1] - times[0]), low: f.bps(Math.min(...values)), high: f.bps(Math.max(...values)) });
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: last > 0 ? "trail up" : "trail", role: "img", "aria-label": label },
    s("title", { text: label }),
    zero && s("line", { x1: 0, x2: width, y1: y(0).toFixed(1), y2: y(0).toFixed(1), class: "zero" }),
    s("path", { d: path }),
    s("circle", { cx: x(times[times.length - 1]).toFixed(1), cy: y(last).toFixed(1), r: 2.5 }),
  );
}

/** The mark over its index and the perpetual over the same venue's spot, where they are known. */
function premiumWords(leg) {
  const said = ["mark_premium", "basis"].filter((name) => leg[`${name}_bps`] != null);
  return said.map((name) => `\n${t(`leg.${name}`, { bps: f.signed(Number(leg[`${name}_bps`]), 1) })}`).join("");
}

function legRow(leg, route, middle, ctx) {
  const key = leg.id;
  const role = key === route.buy ? t("buy") : key === route.sell ? t("sell") : "";
  const ms = leg.recv_ms == null ? null : ctx.now - leg.recv_ms;
  const tag = marketTag(leg.market, leg.symbol);
  const off = middle && mid(leg) ? (mid(leg) / middle - 1) * 10_000 : null;
  const decimals = ctx.decimals(leg.venue, leg.native);
  const funding = per8h(leg.funding_rate, leg.funding_interval_h);
  const tip = t("leg.tip", {
    bid: f.price(leg.bid), bid_size: leg.bid_size == null ? f.NONE : f.plain(leg.bid_size),
    ask: f.price(leg.ask), ask_size: leg.ask_size == null ? f.NONE : f.plain(leg.ask_size),
    native: leg.native, state: [word("leg", leg.state), leg.reason].filter(Boolean).join(": "),
  }) + premiumWords(leg);
  const state = ageClass(leg.state, ms);
  return h(
    "div",
    { class: `leg ${role ? "mine" : ""} ${state === "bad" ? "off" : ""}`, title: tip },
    h("span", { class: "who" }, leg.venue, tag && h("span", { class: "tag", text: tag }), role && h("em", { text: role })),
    h("span", { class: "n", text: f.price(leg.bid, decimals) }),
    h("span", { class: "n", text: f.price(leg.ask, decimals) }),
    h("span", { class: "n dim", text: off == null ? f.NONE : f.signed(off, Math.abs(off) < 99.95 ? 1 : 0) }),
    h("span", { class: "n dim leg-funding", text: funding == null ? f.NONE : f.signed(funding, 1) }),
    h("span", { class: `n age ${state}`, text: state === "bad" ? word("leg", leg.state) : f.age(ms) }),
  );
}

const ROUTE = ["venue", "market", "native"].flatMap((name) => [`buy_${name}`, `sell_${name}`]);
const sameRoute = (a, b) => ROUTE.every((name) => a[name] === b[name]);

/** What is known of the route beside its spread: [[label, value, kind, title]], empty groups left out. */
export function facts(row, now) {
  const [bps, some] = [(value) => f.bps(Number(value)), (value) => value != null];
  const line = (key, value, kind = "") => [t(`fact.${key}`), value, kind, t(`fact.${key}.tip`)];
  const found = [];
  if (some(row.depth_usd)) {
    const more = row.depth_at_least ? "≥ " : "";
    if (some(row.depth_net_bps)) found.push([t("fact.mine", { usd: f.dollars(Number(row.depth_usd)) }), bps(row.depth_net_bps), "", t("fact.mine.tip")]);
    found.push(line("pays", more + f.dollars(Number(row.pays_usd))), line("profit", more + f.money(Number(row.profit_usd)), Number(row.profit_usd) > 0 ? "up" : ""));
  }
  if (some(row.apr_percent)) {
    found.push(line("apr", `${f.signed(Number(row.apr_percent), 1)} %`, Number(row.apr_percent) >= 0 ? "receive" : "pay"));
    if (some(row.next_cash_ms) && row.next_cash_ms > now) found.push(line("cash", `${bps(row.next_cash_bps)} · ${f.until(row.next_cash_ms - now)}`));
    if (Number(row.cost_bps) > 0) found.push(line("even", some(row.even_ms) ? f.span(row.even_ms - now) : t("fact.even.none")));
  }
  if (some(row.z_12h) || some(row.z_1h)) found.push(line("z", f.signed(row.z_12h ?? row.z_1h, 1)));
  if (some(row.half_life_s)) found.push(line("half", f.span(row.half_life_s * 1000)));
  if (some(row.exit_bps)) found.push(line("exit", bps(row.exit_bps)), line("trip", bps(row.net_rt_bps), Number(row.net_rt_bps) > 0 ? "up" : ""));
  return found;
}

function factList(found) {
  return found.map(([label, value, kind, title]) => h("div", { class: `step ${kind}`, title }, h("span", { text: label }), h("b", { text: value })));
}

/** Links to the two markets, [[words, address]], where the API tells their address. Only https addresses become links. */
function links(row, legs) {
  return ["buy", "sell"].flatMap((side) => {
    const leg = legs.get(`${row[`${side}_venue`]}:${row[`${side}_market`]}:${row[`${side}_native`]}`);
    return leg?.trade_url?.startsWith("https://") ? [[`${t(side)}: ${leg.venue} ↗`, leg.trade_url]] : [];
  });
}

/** The panel. `onClose` and `onToast` are the page's. */
export class Inspector {
  constructor(push, onClose, onToast) {
    Object.assign(this, { push, onClose, onToast, id: null, legs: new Map(), following: false, linked: null });
    this.parts = Object.fromEntries(["title", "sub", "verdict", "steps", "facts", "trail", "legs", "links"].map((name) => [name, h("div", { class: `i-${name}` })]));
    this.list = h("ul", { class: "checks" });
    this.real = h("h3");
    this.nets = h("h3");
    this.beside = h("h3");
    this.all = h("h3");
    this.copy = h("button", { type: "button", class: "button", on: { click: () => this.copyJson() } });
    this.close = h("button", { type: "button", class: "icon close", text: "✕", on: { click: () => this.onClose() } });
    const { title, sub, verdict, steps: sums, facts: more, trail, legs, links: out } = this.parts;
    this.el = h(
      "section",
      { class: "panel inspector", "aria-live": "off" },
      h("div", { class: "i-head" }, title, this.close),
      sub,
      verdict,
      out,
      this.real,
      this.list,
      this.nets,
      sums,
      this.beside,
      more,
      trail,
      this.all,
      legs,
      h("div", { class: "i-actions" }, this.copy),
    );
  }

  show(id, following) {
    this.following = following;
    if (id === this.id) return;
    this.subscription?.close();
    this.subscription = null;
    this.id = id;
    this.legs = new Map();
    this.own = null;
    this.linked = null; // the links on the page are the other coin's
    if (id) this.subscription = this.push.subscribe("asset", { symbol: id, rate: 4 }, this);
  }

  snapshot(rows) {
    this.legs = new Map();
    this.delta(rows, []);
  }

  delta(rows, removed) {
    for (const row of rows) {
      if (row.row === "leg") this.legs.set(row.id, row);
      else this.own = { row, d: derive(row), since: null, exact: true, trail: [] };
    }
    for (const id of removed) {
      this.legs.delete(id);
      if (id === this.id) this.own = null;
    }
  }

  draw(ctx) {
    // A coin that the filters leave out shows its best route of all.
    const inView = ctx.entries.get(this.id);
    this.outside = !inView?.d.routed && !!this.own?.d.routed;
    const entry = this.outside ? this.own : inView;
    this.el.hidden = !entry;
    if (!entry) return;
    this.el.setAttribute("aria-label", t("inspector", { coin: this.id }));
    this.close.title = t("close");
    this.close.setAttribute("aria-label", t("close"));
    this.close.hidden = this.following;
    text(this.real, t("real"));
    text(this.all, t("legs", { n: this.legs.size }));
    text(this.copy, t("copy"));
    this.head(entry);
    this.body(entry, ctx);
    this.table(entry, ctx);
  }

  head({ row, d }) {
    const route = d.routed ? [h("b", { text: row.asset }), h("span", { text: ` ${row.buy_venue} → ${row.sell_venue}` })] : [h("b", { text: row.asset })];
    replace(this.parts.title, route, this.following && h("span", { class: "chip", text: t("best.now"), title: t("best.tip") }), this.outside && h("span", { class: "chip warn", text: t("outside"), title: t("outside.tip") }));
    text(this.parts.sub, d.routed ? `${word("kind", row.kind)} · ${row.buy_native} → ${row.sell_native}` : t("no.route"));
  }

  body(entry, ctx) {
    const { row, d } = entry;
    const routed = d.routed;
    this.list.hidden = this.real.hidden = !routed;
    this.parts.steps.hidden = this.nets.hidden = this.parts.trail.hidden = !routed;
    const beside = routed && this.own && sameRoute(this.own.row, row) ? facts(this.own.row, ctx.now) : [];
    this.parts.facts.hidden = this.beside.hidden = !beside.length;
    text(this.beside, t("fact.head"));
    replace(this.parts.facts, factList(beside));
    if (!routed) {
      cls(this.parts.verdict, "i-verdict no");
      text(this.parts.verdict, word("why.long", row.why));
      this.linked = "";
      replace(this.parts.links);
      return;
    }
    const found = checks(entry, this.legs, ctx);
    const bad = found.filter((one) => one.ok === false).length;
    const verdict = bad ? "doubt" : d.net > 0 ? "yes" : "costs";
    cls(this.parts.verdict, `i-verdict ${verdict}`);
    text(this.parts.verdict, t(`verdict.${verdict}`, { n: bad, net: f.bps(d.net) }));
    replace(this.list, checkList(found));
    text(this.nets, t("net.head"));
    replace(this.parts.steps, steps(entry, ctx));
    replace(this.parts.trail, trailChart(entry.trail));
    const out = links(row, this.legs), key = out.join();
    if (this.linked !== key) {
      this.linked = key;
      replace(this.parts.links, out.map(([words, href]) => h("a", { class: "button", href, target: "_blank", rel: "noopener noreferrer" }, words)));
    }
  }

  table({ row, d }, ctx) {
    const legs = [...this.legs.values()];
    for (const leg of legs) ctx.digits(leg);
    const middle = median(legs.filter((leg) => GOOD.has(leg.state)).map(mid).filter((value) => value != null));
    const route = d.routed
      ? { buy: `${row.buy_venue}:${row.buy_market}:${row.buy_native}`, sell: `${row.sell_venue}:${row.sell_market}:${row.sell_native}` }
      : {};
    const rank = (leg) => (leg.id === route.buy ? 0 : leg.id === route.sell ? 1 : 2);
    legs.sort((a, b) => rank(a) - rank(b) || (a.market < b.market ? -1 : a.market > b.market ? 1 : a.id < b.id ? -1 : 1));
    this.all.hidden = this.parts.legs.hidden = this.copy.hidden = !legs.length;
    const head = ["leg.market", "bid", "ask", "leg.off", "leg.funding", "leg.age"].map((key) => h("span", { class: key.replace(".", "-"), text: t(key), title: t(`${key}.tip`) }));
    cls(this.parts.legs, legs.some((leg) => ctx.decimals(leg.venue, leg.native) > 7) ? "i-legs long" : "i-legs");
    replace(this.parts.legs, h("div", { class: "leg head" }, head), legs.map((leg) => legRow(leg, route, middle, ctx)));
  }

  async copyJson() {
    const body = JSON.stringify([...this.legs.values()], null, 2);
    try {
      await navigator.clipboard.writeText(body);
      this.onToast(t("copied"));
    } catch {
      this.onToast(t("copy.refused"));
    }
  }
}
