// Signals, by gap: the short list beside the table, and the view with the life of each one.

import * as f from "./format.js";
import { h, replace, text } from "./dom.js";
import { groupLived, netOf } from "./groups.js";
import { language, t, word } from "./i18n.js";
import { marketName } from "./names.js";
import { kept } from "./prefs.js";

const LATEST = 5;
const SHOWN = 200;

const lived = (one, now) => (one.state === "open" ? now - one.first_at_ms : one.duration_ms);

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
    const newest = signals.groups.slice(0, LATEST);
    const key = newest.map(({ best, members, open }) => `${best.id}${best.rev}${members.length}/${open}`).join() + language();
    if (this.shown !== key) {
      this.shown = key;
      this.rows = newest.map((each) => this.row(each));
      replace(this.list, this.rows.length ? this.rows.map((row) => row.el) : h("p", { class: "dim small", text: t("signals.none") }));
    }
    for (const row of this.rows ?? []) text(row.time, f.spanShort(groupLived(row.group, now)));
  }

  row(group) {
    const { best, members, open } = group;
    const n = members.length;
    const time = h("span", { class: "n" });
    const state = open ? t("open") : word("reason", best.close_reason);
    const el = h(
      "button",
      { type: "button", class: `late ${open ? "open" : "closed"}`, title: `${best.long_exchange} → ${best.short_exchange}`, on: { click: () => this.onPick(best.symbol) } },
      h("i", { class: "dot", text: open ? "●" : "○" }),
      h("span", null, h("b", { text: best.symbol }), n > 1 && h("span", { class: "dim", text: ` ×${n}`, title: t("routes", { n }) })),
      h("span", { class: "n", text: f.bps(open ? best.edge_bps : best.peak_edge_bps) }),
      time,
      h("span", { class: "dim", text: state }),
    );
    return { group, el, time };
  }
}

/** [name, what it shows of a line at a moment, class]. A line is a group, or one signal of it (`one` is the best, or itself). */
const COLUMNS = [
  ["opened", ({ group, one, child }, now) => openedCell(child ? one.opened_at_ms : group.opened, now)],
  ["coin", (line) => coinCell(line)],
  ["state", (line) => stateCell(line)],
  ["buy", ({ one }) => place(one, "long")],
  ["sell", ({ one }) => place(one, "short")],
  ["at.open", ({ one }) => f.bps(one.open_edge_bps), "n"],
  ["peak", ({ one }) => f.bps(one.peak_edge_bps), "n"],
  ["last", ({ one }) => f.bps(one.edge_bps), "n"],
  ["net.open", ({ one }) => f.bps(netOf(one)), "n strong"],
  ["fits", ({ one }) => f.usd(Number(one.size_usd)), "n"],
  ["lived", () => "", "n"],
];
const LIVED = COLUMNS.findIndex(([name]) => name === "lived");

function openedCell(ms, now) {
  return h("span", { text: f.moment(ms, now, kept().utc !== false), title: `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC` });
}

function coinCell({ group, one, child, open }) {
  if (child) return h("span", { class: "twig", text: "└" });
  const n = group.members.length;
  const sign = h("i", { class: "fold", "aria-hidden": "true", text: n > 1 ? (open ? "▾" : "▸") : "" });
  return [sign, h("a", { class: "coin", href: `/coin/${encodeURIComponent(one.symbol)}`, tabindex: "-1", text: one.symbol }), n > 1 && h("span", { class: "many", text: ` ×${n}`, title: t("routes", { n }) })];
}

function stateCell({ group, one, child }) {
  const of = !child && group.members.length > 1 && group.open && group.open < group.members.length ? ` ${group.open}/${group.members.length}` : "";
  if (one.state === "open") return h("span", { class: "chip good", title: of ? t("s.partly", { open: group.open, n: group.members.length }) : null }, h("i", { text: "● " }), t("open") + of);
  const tip = word("reason.long", one.close_reason);
  return h("span", { class: "chip", title: tip }, h("i", { text: "○ " }), word("reason", one.close_reason));
}

function place(one, side) {
  const decimals = Math.max(f.decimalsOf(one.price_long), f.decimalsOf(one.price_short));
  const price = f.price(one[`price_${side}`], decimals);
  const tag = marketName(one[`${side}_market`], one[`${side}_symbol`]);
  return [h("span", { class: "venue", text: one[`${side}_exchange`] }), h("span", { class: "tag", text: tag }), h("span", { class: "price", text: price })];
}

/** The place: every signal that the API holds, those of one gap together; a group opens to its signals, best first. */
export class SignalsView {
  constructor(view, onChange, onPick) {
    Object.assign(this, { view, onChange, onPick, unfolded: new Set(), lines: new Map(), order: [] });
    this.tabs = h("div", { class: "segments", role: "tablist" });
    this.summary = h("p", { class: "summary" });
    this.body = h("tbody", { on: { click: (event) => this.click(event), keydown: (event) => this.key(event) } });
    this.head = h("tr");
    this.empty = h("div", { class: "empty" });
    this.more = h("p", { class: "more dim small" });
    this.table = h("table", { class: "grid signal-list", role: "treegrid" }, h("thead", null, this.head), this.body);
    this.el = h("section", { class: "page" }, h("div", { class: "page-head" }, this.tabs, this.summary), h("div", { class: "scroll" }, this.table, this.more, this.empty));
  }

  draw(signals, now, force) {
    if (!signals.changed && !force && now - (this.drawn ?? 0) < 1_000) return;
    this.drawn = now;
    signals.changed = false;
    this.chrome(signals);
    const wanted = signals.groups.filter((one) => (this.view.state !== "open" || one.open) && (!this.view.q || one.symbol.includes(this.view.q)));
    const chosen = wanted.slice(0, SHOWN);
    this.table.hidden = !chosen.length;
    this.empty.hidden = !!chosen.length;
    text(this.empty, signals.ready ? t(this.view.state === "open" ? "signals.none.open" : "signals.none") : t("loading"));
    this.more.hidden = wanted.length === chosen.length;
    text(this.more, t("s.more", { n: f.count(wanted.length - chosen.length) }));
    if (this.headed !== language()) {
      this.headed = language();
      this.table.setAttribute("aria-label", t("signals"));
      replace(this.head, COLUMNS.map(([name, , kind]) => h("th", { class: kind ?? "", scope: "col", text: t(`s.${name}`), title: t(`s.${name}.tip`) })));
    }
    this.fill(chosen, now);
  }

  chrome(signals) {
    const tab = (state, label) =>
      h("button", { type: "button", role: "tab", class: "segment", "aria-selected": String(this.view.state === state), on: { click: () => this.choose(state) } }, label);
    const open = signals.groups.filter((one) => one.open).length;
    const key = [this.view.state, signals.open.length, signals.listed.length, open, signals.groups.length, language()].join();
    if (this.tabbed === key) return;
    this.tabbed = key;
    const label = (name, n, m) => t(`s.${name}`, { n: f.count(n) }) + (m > n ? ` ${t("s.of", { n: f.count(m) })}` : "");
    replace(this.tabs, tab("all", label("all", signals.groups.length, signals.listed.length)), tab("open", label("open", open, signals.open.length)));
    const closed = signals.listed.filter((one) => one.state === "closed");
    const met = closed.filter((one) => one.close_reason === "converged").length;
    const stale = closed.filter((one) => ["stale", "feed", "restart"].includes(one.close_reason)).length;
    const percent = (n) => `${Math.round((100 * n) / closed.length)}%`;
    text(this.summary, closed.length ? t("s.summary", { met: percent(met), stale: percent(stale), n: f.count(closed.length) }) : "");
  }

  choose(state) {
    this.view.state = state;
    this.onChange();
  }

  /** Rows are kept while they stay the same: a click or a focus survives what comes in meanwhile. */
  fill(chosen, now) {
    const lines = chosen.flatMap((group) => {
      const open = group.members.length > 1 && this.unfolded.has(group.key);
      const first = { key: group.key, group, one: group.best, open, child: false };
      return open ? [first, ...group.members.map((one) => ({ key: one.id, group, one, open: false, child: true }))] : [first];
    });
    const held = this.lines;
    this.lines = new Map(lines.map((line) => [line.key, this.row(line, held.get(line.key), now)]));
    const order = lines.map((line) => this.lines.get(line.key).el);
    if (order.length !== this.order.length || order.some((el, place) => el !== this.order[place])) {
      const focused = document.activeElement?.dataset?.line;
      this.order = order;
      replace(this.body, order);
      if (focused) this.lines.get(focused)?.el.focus({ preventScroll: true });
    }
    for (const { line, time } of this.lines.values()) {
      text(time, f.span(line.child || line.group.members.length === 1 ? lived(line.one, now) : groupLived(line.group, now)));
    }
  }

  row(line, held, now) {
    const { key, group, one, open, child } = line;
    const seen = [one.id, one.rev, group.members.length, group.open, open, child, language(), kept().utc].join();
    if (held?.seen === seen) return Object.assign(held, { line });
    const cells = COLUMNS.map(([, show, kind]) => h("td", { class: kind ?? "", role: "gridcell" }, show(line, now)));
    const many = !child && group.members.length > 1;
    const el = h(
      "tr",
      { class: `${child ? "child " : ""}${one.state}`, role: "row", tabindex: "0", data: { line: key, signal: one.id }, "aria-level": child ? "2" : "1", "aria-expanded": many ? String(open) : null },
      cells,
    );
    return { el, time: cells[LIVED], line, seen };
  }

  /** The keyboard comes in from outside the table. */
  enter() {
    this.order[0]?.focus();
  }

  fold(key, open) {
    if (open) this.unfolded.add(key);
    else this.unfolded.delete(key);
    this.onChange();
  }

  act({ group, one, child }) {
    if (child || group.members.length === 1) this.onPick(one.symbol);
    else this.fold(group.key, !this.unfolded.has(group.key));
  }

  click(event) {
    const line = this.lines.get(event.target.closest("tr")?.dataset.line)?.line;
    if (!line) return;
    const link = event.target.closest("a");
    if (link && (event.metaKey || event.ctrlKey || event.shiftKey)) return;
    event.preventDefault();
    if (link) this.onPick(line.one.symbol);
    else this.act(line);
  }

  /** Up and down go through the lines, right and left open and close a group, Enter does what a click does. */
  key(event) {
    const tr = event.target.closest("tr");
    const line = this.lines.get(tr?.dataset.line)?.line;
    if (!line || event.metaKey || event.ctrlKey || event.altKey) return;
    const { group, child } = line;
    const many = group.members.length > 1;
    const beside = { j: "nextElementSibling", ArrowDown: "nextElementSibling", k: "previousElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (beside) tr[beside]?.focus();
    else if (event.key === "Enter" || event.key === " ") this.act(line);
    else if (event.key === "ArrowRight" && many && !child) this.fold(group.key, true);
    else if (event.key === "ArrowLeft" && many) {
      this.lines.get(group.key)?.el.focus();
      this.fold(group.key, false);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
