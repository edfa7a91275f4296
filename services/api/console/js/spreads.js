// The first place: controls, the table of spreads, and beside it the inspector with the latest signals.

import { COLUMNS } from "./columns.js";
import { Controls } from "./controls.js";
import { arrange } from "./derive.js";
import { $, h, replace, text } from "./dom.js";
import { emptiness } from "./empty.js";
import { t } from "./i18n.js";
import { Inspector } from "./inspect.js";
import { WindowedList } from "./list.js";
import { LINE, fillCard, fillRow, makeCard, makeRow } from "./rows.js";
import { LatestSignals } from "./signals.js";

const ARRANGE_MS = 2_000;
const CROSSED_MS = 500;
const SIDE_MS = 250;
const HEIGHTS = { table: 26, card: 82, line: 34 };
const phone = matchMedia("(max-width: 719px)");
const wide = matchMedia("(min-width: 1180px)");

export class SpreadsView {
  constructor(page) {
    Object.assign(this, { page, ids: [], paying: 0, hidden: 0, arrangedAt: 0, pointer: false, cursor: null, owed: 0 });
    this.drawn = this.ctx;
    const { view } = page;
    this.controls = new Controls(view, page, () => this.changed());
    this.inspector = new Inspector(page.push, () => this.choose(""), page.toast);
    this.latest = new LatestSignals((asset) => this.choose(asset));
    this.head = h("div", { class: "row thead", role: "row" });
    this.scroller = h("div", {
      class: "scroller",
      role: "grid",
      tabindex: "0",
      on: {
        pointerenter: (event) => this.hold(event.pointerType === "mouse"),
        pointerleave: () => this.hold(false),
        pointerover: (event) => this.explain(event),
        click: (event) => this.click(event),
      },
    });
    this.empty = h("div", { class: "empty", hidden: true });
    this.held = h("button", { type: "button", class: "pill", hidden: true, on: { click: () => this.sort() } });
    this.scroller.append(h("div", { class: "thead-wrap", role: "rowgroup" }, this.head));
    const layout = this.layout();
    this.list = new WindowedList(this.scroller, layout);
    this.side = h("aside", { class: "side" }, this.inspector.el, this.latest.el);
    this.el = h("section", { class: "spreads" }, this.controls.el, h("div", { class: "table-wrap" }, this.scroller, this.empty, this.held), this.side);
    phone.addEventListener("change", () => {
      this.list.rebuild(this.layout());
      this.sort();
    });
    wide.addEventListener("change", () => this.draw(true));
    this.drawHead();
  }

  layout() {
    const card = phone.matches;
    const fill = card ? fillCard : fillRow;
    return { make: card ? makeCard : makeRow, fill: (slot, item) => fill(slot, item, this.drawn), rowHeight: card ? HEIGHTS.card : HEIGHTS.table };
  }

  get ctx() {
    const { board, signals, now, view } = this.page;
    const total = this.ids.length;
    return {
      ...{ entries: board.entries, signals, now: now(), size: view.size, cursor: this.cursor, chosen: view.coin },
      decimals: (venue, native) => board.decimalsFor(venue, native),
      digits: (leg) => [leg.bid, leg.ask].forEach((price) => board.digits(`${leg.venue}|${leg.native}`, price)),
      line: { paying: this.pointer ? this.countPaying() : this.paying, total },
    };
  }

  drawHead() {
    const { sort } = this.page.view;
    const cells = COLUMNS.map(({ id, label, sort: by }) => {
      const sorted = by && sort.replace(/^-/, "") === by;
      const mark = sorted ? (sort.startsWith("-") ? " ↓" : " ↑") : "";
      const title = t(`col.${label}.tip`);
      const aria = sorted ? (sort.startsWith("-") ? "descending" : "ascending") : null;
      const content = by
        ? h("button", { type: "button", title, tabindex: "-1", on: { click: () => this.sortBy(by) } }, t(`col.${label}`) + mark)
        : h("span", { title, text: t(`col.${label}`) });
      return h("div", { class: `cell c-${id}`, role: "columnheader", "aria-sort": aria }, content);
    });
    replace(this.head, cells);
    this.scroller.setAttribute("aria-label", t("spreads"));
  }

  sortBy(name) {
    const { view } = this.page;
    const up = name === "coin" || name === "next";
    const first = up ? name : `-${name}`;
    const other = up ? `-${name}` : name;
    view.sort = view.sort === first ? other : first;
    this.changed();
  }

  /** A filter, the size, the sort or the language is another one now. */
  changed() {
    const { page } = this;
    page.saved();
    this.controls.draw();
    this.drawHead();
    // Another picture is on its way: until it is here the present one stays.
    if (!page.board.choose(page.view) || page.paused) this.sort();
    this.draw(true);
  }

  hold(held) {
    this.pointer = held;
    if (!held) this.sort();
  }

  /** Order the rows anew: on a filter's change, and every two seconds while no pointer rests on them. */
  sort() {
    const { board, view, now } = this.page;
    this.arrangedAt = performance.now();
    this.owed = 0;
    const { ids, paying, hidden } = arrange(board.entries.values(), view, now());
    Object.assign(this, { ids, paying, hidden });
    const items = [...ids];
    this.drawn = this.ctx;
    if (paying != null && ids.length) items.splice(paying, 0, LINE);
    this.scroller.setAttribute("aria-rowcount", String(items.length + 1));
    const low = phone.matches && items.length > ids.length ? { index: paying, height: HEIGHTS.line } : null;
    this.list.setItems(items, low);
  }

  /** Whether the line tells no longer the truth: how many pay, and which stand above it. */
  crossed() {
    const { entries } = this.page.board;
    const pays = (id) => entries.get(id)?.d.net > 0;
    const above = this.ids.slice(0, this.paying ?? 0);
    return this.paying != null && !(above.every(pays) && this.countPaying() === this.paying);
  }

  countPaying() {
    const { entries } = this.page.board;
    return this.ids.reduce((n, id) => n + (entries.get(id)?.d.net > 0 ? 1 : 0), 0);
  }

  /** What a new order would bring, while it is held back: coins that pay now and stand below the line. */
  countOwed() {
    const { board } = this.page;
    const below = this.ids.slice(this.paying ?? 0);
    const known = new Set(this.ids);
    let owed = 0;
    for (const id of below) if (board.entries.get(id)?.d.net > 0) owed += 1;
    for (const [id, entry] of board.entries) if (!known.has(id) && entry.d.net > 0 && !this.page.view.q) owed += 1;
    this.owed = this.paying == null ? 0 : owed;
  }

  /** Called about eight times a second; `force` after a change of language or layout. */
  draw(force = false) {
    const { page } = this;
    const { board } = page;
    const waited = performance.now() - this.arrangedAt;
    const late = waited > ARRANGE_MS || (waited > CROSSED_MS && this.crossed());
    const unlisted = this.ids.length === 0 && board.entries.size > 0;
    if (!page.paused && board.anew) {
      board.anew = false;
      this.sort();
    } else if (!page.paused && !board.asked && (late || unlisted)) {
      if (this.pointer && this.ids.length) {
        this.arrangedAt = performance.now();
        this.countOwed();
      } else this.sort();
    }
    if (force) this.drawHead();
    this.controls.count(this.hidden, board);
    this.drawn = this.ctx;
    this.list.draw();
    this.drawEmpty();
    this.drawSide(force);
    this.held.hidden = !(this.pointer && this.owed);
    if (!this.held.hidden) text(this.held, t("held", { n: this.owed }));
    const active = this.cursor ? this.list.slotOf(this.cursor)?.el.id : null;
    if (active) this.scroller.setAttribute("aria-activedescendant", active);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  drawEmpty() {
    const shown = emptiness(this.page, this.ids.length, this.hidden);
    this.empty.hidden = !shown;
    this.el.classList.toggle("is-empty", !!shown);
    const key = shown ? `${shown.key}${t("spreads")}` : "";
    if (key !== this.emptyKey) {
      this.emptyKey = key;
      replace(this.empty, shown ? shown.nodes : []);
    }
  }

  drawSide(force) {
    const { view, board, signals, now } = this.page;
    const best = this.ids[0] && board.entries.get(this.ids[0])?.d.routed ? this.ids[0] : null;
    const following = !view.coin;
    const id = view.coin || (wide.matches && view.sort === "-net" ? best : null);
    this.el.classList.toggle("inspecting", !!view.coin);
    const another = this.inspector.id !== (id ?? null);
    this.inspector.show(id ?? null, following);
    const at = performance.now();
    if (!force && !another && at - (this.sideAt ?? 0) < SIDE_MS) return;
    this.sideAt = at;
    this.inspector.draw(this.ctx);
    this.latest.draw(signals, now());
  }

  choose(id) {
    this.page.view.coin = id;
    if (id) this.cursor = id;
    this.page.saved();
    if (!id) this.scroller.focus({ preventScroll: true });
    this.draw(true);
    if (id && !wide.matches) $(".close", this.inspector.el)?.focus({ preventScroll: true });
  }

  click(event) {
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (id && id !== LINE) this.choose(id === this.page.view.coin ? "" : id);
  }

  /** The formula of a figure, made when the pointer comes to it. */
  explain(event) {
    const cell = event.target.closest("[data-column]");
    const id = cell?.closest("[data-id]")?.dataset.id;
    const entry = id && this.page.board.entries.get(id);
    if (!entry) return;
    const column = COLUMNS.find((one) => one.id === cell.dataset.column);
    cell.title = column.title?.(entry, this.ctx) ?? "";
  }

  move(step) {
    const at = this.ids.indexOf(this.cursor);
    const next = at < 0 ? 0 : Math.max(0, Math.min(this.ids.length - 1, at + step));
    this.cursor = this.ids[next] ?? null;
    const index = this.list.items.indexOf(this.cursor);
    if (index >= 0) this.list.reveal(index);
    this.draw();
  }

  enter() {
    if (this.cursor) this.choose(this.cursor);
  }

  escape() {
    if (this.page.view.coin) this.choose("");
    else if (this.page.view.q) {
      this.page.view.q = "";
      this.changed();
    }
  }

  search() {
    this.controls.search.focus();
    this.controls.search.select();
  }
}
