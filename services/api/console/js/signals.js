// Signals: the short list beside the table, and the view with each one's life.

import * as f from "./format.js";
import { h, replace, text } from "./dom.js";
import { t, word } from "./i18n.js";
import { marketName } from "./names.js";

const LATEST = 5;
const SHOWN = 200;

const lived = (one, now) => (one.state === "open" ? now - one.first_at_ms : one.duration_ms);

/** Signals of one coin that opened together: one line, its best one first. */
export function episodes(listed) {
  const found = new Map();
  for (const one of listed) {
    const key = `${one.symbol}|${Math.round(one.opened_at_ms / 10_000)}|${one.state}`;
    const held = found.get(key);
    if (!held) found.set(key, { one, key, n: 1 });
    else {
      held.n += 1;
      if (Number(one.peak_net_bps) > Number(held.one.peak_net_bps)) held.one = one;
    }
  }
  return [...found.values()];
}

/** The newest few, for the side of the spreads. */
export class LatestSignals {
  constructor(onPick) {
    this.onPick = onPick;
    this.title = h("h3");
    this.list = h("div", { class: "latest" });
    this.el = h("section", { class: "panel" }, this.title, this.list);
    this.shown = "";
  }

  draw(signals, now) {
    text(this.title, t("latest"));
    const newest = episodes(signals.listed.slice(0, 100)).slice(0, LATEST);
    const key = newest.map(({ one, n }) => `${one.id}${one.rev}${n}`).join() + t("latest");
    if (this.shown !== key) {
      this.shown = key;
      this.rows = newest.map((each) => this.row(each));
      replace(this.list, this.rows.length ? this.rows.map((row) => row.el) : h("p", { class: "dim small", text: t("signals.none") }));
    }
    for (const row of this.rows ?? []) text(row.time, f.spanShort(lived(row.one, now)));
  }

  row({ one, n }) {
    const open = one.state === "open";
    const time = h("span", { class: "n" });
    const state = open ? t("open") : word("reason", one.close_reason);
    const el = h(
      "button",
      { type: "button", class: `late ${open ? "open" : "closed"}`, title: `${one.long_exchange} → ${one.short_exchange}`, on: { click: () => this.onPick(one.symbol) } },
      h("i", { class: "dot", text: open ? "●" : "○" }),
      h("span", null, h("b", { text: one.symbol }), n > 1 && h("span", { class: "dim", text: ` ×${n}`, title: t("routes", { n }) })),
      h("span", { class: "n", text: f.bps(open ? one.edge_bps : one.peak_edge_bps) }),
      time,
      h("span", { class: "dim", text: state }),
    );
    return { one, el, time };
  }
}

const COLUMNS = [
  ["opened", (one) => h("span", { text: f.clock(one.opened_at_ms), title: one.opened_at })],
  ["coin", (one) => h("b", { text: one.symbol })],
  ["state", (one) => stateCell(one)],
  ["buy", (one) => place(one, "long")],
  ["sell", (one) => place(one, "short")],
  ["at.open", (one) => f.bps(one.open_edge_bps), "n"],
  ["peak", (one) => f.bps(one.peak_edge_bps), "n strong"],
  ["last", (one) => f.bps(one.edge_bps), "n"],
  ["net.open", (one) => f.bps(one.net_open_bps), "n"],
  ["fits", (one) => f.usd(Number(one.size_usd)), "n"],
  ["lived", (one, now) => f.span(lived(one, now)), "n"],
];

function stateCell(one) {
  if (one.state === "open") return h("span", { class: "chip good" }, h("i", { text: "● " }), t("open"));
  const tip = word("reason.long", one.close_reason);
  return h("span", { class: "chip", title: tip }, h("i", { text: "○ " }), word("reason", one.close_reason));
}

function place(one, side) {
  const decimals = Math.max(f.decimalsOf(one.price_long), f.decimalsOf(one.price_short));
  const price = f.price(one[`price_${side}`], decimals);
  const tag = marketName(one[`${side}_market`], one[`${side}_symbol`]);
  return [h("span", { class: "venue", text: one[`${side}_exchange`] }), h("span", { class: "tag", text: tag }), h("span", { class: "price", text: price })];
}

/** The place: every signal that the API holds, open ones first in the eye by their mark. */
export class SignalsView {
  constructor(view, onChange, onPick) {
    Object.assign(this, { view, onChange, onPick });
    this.tabs = h("div", { class: "segments", role: "tablist" });
    this.summary = h("p", { class: "summary" });
    this.body = h("tbody");
    this.head = h("tr");
    this.empty = h("div", { class: "empty" });
    this.table = h("table", { class: "grid signal-list" }, h("thead", null, this.head), this.body);
    this.el = h("section", { class: "page" }, h("div", { class: "page-head" }, this.tabs, this.summary), h("div", { class: "scroll" }, this.table, this.empty));
  }

  draw(signals, now, force) {
    if (!signals.changed && !force && now - (this.drawn ?? 0) < 1_000) return;
    this.drawn = now;
    signals.changed = false;
    this.chrome(signals);
    const listed = (this.view.state === "open" ? signals.open : signals.listed).filter((one) => !this.view.q || one.symbol.includes(this.view.q));
    const chosen = listed.slice(0, SHOWN);
    this.table.hidden = !chosen.length;
    this.empty.hidden = !!chosen.length;
    text(this.empty, signals.ready ? t(this.view.state === "open" ? "signals.none.open" : "signals.none") : t("loading"));
    replace(this.head, COLUMNS.map(([name, , kind]) => h("th", { class: kind ?? "", scope: "col", text: t(`s.${name}`), title: t(`s.${name}.tip`) })));
    const focused = document.activeElement?.dataset?.signal;
    replace(this.body, chosen.map((one) => this.row(one, now)));
    if (focused) this.body.querySelector(`[data-signal="${CSS.escape(focused)}"]`)?.focus();
  }

  chrome(signals) {
    const tab = (state, label) =>
      h("button", { type: "button", role: "tab", class: "segment", "aria-selected": String(this.view.state === state), on: { click: () => this.choose(state) } }, label);
    const key = `${this.view.state}${signals.open.length}${signals.listed.length}${t("open")}`;
    if (this.tabbed === key) return;
    this.tabbed = key;
    replace(this.tabs, tab("all", t("s.all", { n: signals.listed.length })), tab("open", t("s.open", { n: signals.open.length })));
    const closed = signals.listed.filter((one) => one.state === "closed");
    const met = closed.filter((one) => one.close_reason === "converged").length;
    const stale = closed.filter((one) => ["stale", "feed", "restart"].includes(one.close_reason)).length;
    const percent = (n) => `${Math.round((100 * n) / closed.length)}%`;
    text(this.summary, closed.length ? t("s.summary", { met: percent(met), stale: percent(stale), n: closed.length }) : "");
  }

  choose(state) {
    this.view.state = state;
    this.onChange();
  }

  row(one, now) {
    const pick = () => this.onPick(one.symbol);
    return h(
      "tr",
      { class: one.state, tabindex: "0", data: { signal: one.id }, on: { click: pick, keydown: (event) => event.key === "Enter" && pick() } },
      COLUMNS.map(([, show, kind]) => h("td", { class: kind ?? "" }, show(one, now))),
    );
  }
}
