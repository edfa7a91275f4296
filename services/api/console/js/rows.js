// The two forms of a row: a line of the table, and a card on a phone. Both flash on a changed value, never on a render.

import { COLUMNS, alive, ageClass } from "./columns.js";
import * as f from "./format.js";
import { cls, h, text } from "./dom.js";
import { t, word } from "./i18n.js";
import { marketTag } from "./names.js";

export const LINE = "#line";
const CALM_MS = 1_000;
const FLASH_MS = 260;
const FLASHING = new Set(["net", "buy", "sell"]);

const still = matchMedia("(prefers-reduced-motion: reduce)");
let lit = null;

/** The cells that this drawing lights up: one timer puts them all out. */
function batch() {
  if (!lit) {
    const mine = [];
    lit = mine;
    setTimeout(() => mine.forEach((el) => delete el.dataset.flash), FLASH_MS);
    queueMicrotask(() => (lit = null));
  }
  return lit;
}

/** A shade and an arrow on a cell, for a quarter of a second and at most once a second. */
function flash(el, up) {
  const now = performance.now();
  if (now - (el.flashedAt ?? -CALM_MS) < CALM_MS || still.matches || document.hidden) return;
  if (document.documentElement.dataset.flash === "off") return;
  el.flashedAt = now;
  el.dataset.flash = up ? "rose" : "fell";
  batch().push(el);
}

/** Tell what moved since this slot showed the same coin. */
function compare(slot, name, value, el, same) {
  const before = slot.values[name];
  slot.values[name] = value;
  if (same && before != null && value != null && before !== value) flash(el, value > before);
  else if (!same) delete el.dataset.flash;
}

function line(slot, ctx) {
  const { paying, total } = ctx.line;
  const key = paying > 0 ? "line.some" : "line.none";
  text(slot.line, t(key, { n: f.count(paying), total: f.count(total) }));
}

function dress(slot, item, ctx, entry) {
  const isLine = item === LINE;
  const tone = isLine ? "is-line" : `${entry.d.net > 0 ? "pays" : ""}${entry.d.routed ? "" : " unrouted"}`;
  const cursor = item === ctx.cursor ? " cursor" : "";
  const chosen = item === ctx.chosen ? " chosen" : "";
  cls(slot.el, `${slot.base} ${tone}${cursor}${chosen}`);
  if (slot.id !== item) {
    slot.id = item;
    slot.el.id = isLine ? "row-line" : `row-${item}`;
    slot.el.dataset.id = item;
  }
  if (slot.selected !== (item === ctx.chosen)) {
    slot.selected = item === ctx.chosen;
    slot.el.setAttribute("aria-selected", String(slot.selected));
  }
}

export function makeRow() {
  const cells = COLUMNS.map((column) => {
    const parts = column.make();
    const el = h("div", { class: `cell c-${column.id}`, role: "gridcell", data: { column: column.id } }, parts.nodes);
    return { column, parts, el };
  });
  const lineText = h("div", { class: "line-text", role: "gridcell" });
  const el = h("div", { role: "row" }, cells.map((cell) => cell.el), lineText);
  return { el, cells, line: lineText, values: {}, shown: null, base: "row" };
}

/** What a row and a card begin with. The coin to show and whether it is the same route as before; null: nothing more. */
function begin(slot, item, ctx) {
  const entry = item === LINE ? null : ctx.entries.get(item);
  if (item !== LINE && !entry) return null;
  dress(slot, item, ctx, entry);
  if (item === LINE) {
    slot.shown = null;
    line(slot, ctx);
    return null;
  }
  const shown = `${item}|${entry.d.key}`;
  const same = slot.shown === shown;
  slot.shown = shown;
  return { entry, same };
}

export function fillRow(slot, item, ctx) {
  const begun = begin(slot, item, ctx);
  if (!begun) return;
  const { entry, same } = begun;
  for (const { column, parts, el } of slot.cells) {
    column.fill(parts, entry, ctx);
    if (FLASHING.has(column.id)) compare(slot, column.id, column.value(entry), el, same);
  }
}

export function makeCard() {
  const names = ["coin", "kind", "net", "size", "why", "buyAt", "buyTag", "buyPrice", "sellAt", "sellTag", "sellPrice", "foot", "ages"];
  const p = Object.fromEntries(names.map((name) => [name, h("span", { class: `k-${name}` })]));
  const lineText = h("div", { class: "line-text" });
  const el = h(
    "div",
    { role: "row" },
    h("div", { class: "k1", role: "gridcell" }, p.coin, p.kind, p.net, p.size, p.why),
    h("div", { class: "k2", role: "gridcell" }, p.buyAt, p.buyTag, p.buyPrice, p.sellAt, p.sellTag, p.sellPrice),
    h("div", { class: "k3", role: "gridcell" }, p.foot, p.ages),
    lineText,
  );
  return { el, p, line: lineText, values: {}, shown: null, base: "card" };
}

export function fillCard(slot, item, ctx) {
  const begun = begin(slot, item, ctx);
  if (!begun) return;
  const { entry, same } = begun;
  const { row, d } = entry;
  const { p } = slot;
  text(p.coin, row.asset);
  text(p.kind, d.routed && row.kind !== "perp-perp" ? word("kind", row.kind) : "");
  text(p.why, d.routed ? "" : word("why", row.why));
  text(p.net, d.routed ? `${f.bps(d.net)} bps` : "");
  cls(p.net, d.net > 0 ? "k-net up" : "k-net");
  const { ms, exact } = alive(entry, ctx);
  text(p.size, ms == null ? "" : `${exact ? "" : "≥ "}${f.spanShort(ms)}`);
  compare(slot, "net", d.net, p.net, same);
  for (const name of ["buy", "sell"]) {
    const [venue, market, native] = [row[`${name}_venue`], row[`${name}_market`], row[`${name}_native`]];
    text(p[`${name}At`], d.routed ? `${t(name)} ${venue}` : "");
    text(p[`${name}Tag`], d.routed ? marketTag(market, row[`${name}_symbol`]) : "");
    text(p[`${name}Price`], d.routed ? f.price(row[`${name}_price`], ctx.decimals(venue, native)) : "");
  }
  const funding = d.carry == null ? "" : ` · ${t("carry")} ${f.bps(d.carry)}`;
  text(p.foot, d.routed ? `${t("fits")} ${f.usd(d.usd)} · ${t("gross")} ${f.fixed(d.gross, 1)}${funding}` : "");
  const [buy, sell] = ["buy", "sell"].map((name) => (row[`${name}_recv_ms`] == null ? null : ctx.now - row[`${name}_recv_ms`]));
  text(p.ages, d.routed ? `${f.age(buy)} / ${f.age(sell)} s` : "");
  const bad = [ageClass(row.buy_state, buy), ageClass(row.sell_state, sell)].includes("bad");
  cls(p.ages, bad ? "k-ages bad" : "k-ages");
}
