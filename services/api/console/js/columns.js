// The columns of the spreads table: how each is built once and filled often, and the formula that explains each figure.

import * as f from "./format.js";
import { nextFunding, per8h } from "./derive.js";
import { cls, h, text } from "./dom.js";
import { t, word } from "./i18n.js";
import { marketTag } from "./names.js";

const GOOD = new Set(["ok", "quiet"]);

export function ageClass(state, ms) {
  if (!GOOD.has(state)) return "bad";
  return state === "quiet" ? "quiet" : ms > 1_500 ? "slow" : "fresh";
}

function sideParts() {
  const venue = h("span", { class: "venue" });
  const tag = h("span", { class: "tag" });
  const price = h("span", { class: "price" });
  return { nodes: [venue, tag, price], venue, tag, price };
}

const side = (name) => ({
  id: name,
  label: name,
  make: sideParts,
  fill(parts, entry, ctx) {
    const { row, d } = entry;
    if (!d.routed) {
      text(parts.venue, name === "buy" ? word("why", row.why) : "");
      text(parts.tag, "");
      text(parts.price, "");
      cls(parts.venue, "venue why");
      return;
    }
    const [venue, market, native] = [row[`${name}_venue`], row[`${name}_market`], row[`${name}_native`]];
    text(parts.venue, venue);
    cls(parts.venue, GOOD.has(row[`${name}_state`]) ? "venue" : "venue bad");
    text(parts.tag, marketTag(market, row[`${name}_symbol`]));
    text(parts.price, f.price(row[`${name}_price`], ctx.decimals(venue, native)));
  },
  value: (entry) => Number(entry.row[`${name}_price`]),
  title({ row, d }) {
    if (!d.routed) return t("tip.why", { why: word("why.long", row.why) });
    const price = f.price(row[`${name}_price`]);
    const state = word("leg", row[`${name}_state`]);
    return t(`tip.${name}`, { venue: row[`${name}_venue`], native: row[`${name}_native`], price, state });
  },
});

const one = (id, label, sort, fill, title, value) => ({
  id,
  label,
  sort,
  make: () => {
    const node = h("span");
    return { nodes: [node], node };
  },
  fill: (parts, entry, ctx) => fill(parts.node, entry, ctx),
  title,
  value,
});

/** How long the present route has paid: by its open signal, else as far as this page has seen it. */
export function alive(entry, ctx) {
  const signal = ctx.signals.of(entry.row);
  if (signal && entry.d.routed) return { ms: ctx.now - signal.first_at_ms, exact: true, signal };
  if (entry.since == null) return { ms: null, exact: true };
  return { ms: ctx.now - entry.since, exact: entry.exact };
}

/** The money that a trade of my size makes at this net, as far as the quotes reach. */
export function atSize(d, size) {
  const traded = Math.min(size, d.usd);
  return { traded, money: (traded * d.net) / 10_000 };
}

export function netFormula({ row, d }) {
  const values = { gross: f.bps(d.gross), fees: f.fixed(d.fees, 1), net: f.bps(d.net), now: f.bps(row.net_now_bps) };
  return row.kind === "spot-spot" ? t("tip.net.spot", values) : t("tip.net", values);
}

const coin = {
  id: "coin",
  label: "coin",
  sort: "coin",
  make() {
    const name = h("b");
    const mark = h("span", { class: "mark" });
    return { nodes: [name, mark], name, mark };
  },
  fill(parts, entry) {
    text(parts.name, entry.row.asset);
    const open = entry.row.signals?.length > 0;
    const noted = (entry.row.flags ?? []).some((flag) => flag !== "L1");
    text(parts.mark, open ? "●" : noted ? "⚑" : "");
    cls(parts.mark, open ? "mark signal" : "mark");
  },
  title({ row, d }) {
    if (!d.routed) return t("tip.why", { why: word("why.long", row.why) });
    const flags = (row.flags ?? []).map((flag) => word("flag", flag));
    const said = [word("kind", row.kind), ...flags];
    if (row.signals?.length) said.push(t("tip.signal", { n: row.signals.length }));
    return said.join(" · ");
  },
};

const net = one(
  "net",
  "net",
  "net",
  (node, { d }) => {
    text(node, f.bps(d.net));
    cls(node, d.net > 0 ? "up strong" : d.routed ? "strong" : "none");
  },
  (entry) => (entry.d.routed ? netFormula(entry) : ""),
  (entry) => entry.d.net,
);

const gross = one(
  "gross",
  "gross",
  "gross",
  (node, { d }) => text(node, d.routed ? f.fixed(d.gross, 1) : f.NONE),
  ({ row, d }) =>
    d.routed ? t("tip.gross", { buy: f.price(row.buy_price), sell: f.price(row.sell_price), gross: f.bps(d.gross) }) : "",
  (entry) => entry.d.gross,
);

const fits = one(
  "fits",
  "fits",
  "fits",
  (node, { d }, ctx) => {
    text(node, d.routed ? f.usd(d.usd) : f.NONE);
    cls(node, d.routed && d.usd < ctx.size ? "short" : "");
  },
  ({ row, d }, ctx) => {
    if (!d.routed) return "";
    const { traded, money } = atSize(d, ctx.size);
    const values = { size: f.plain(String(row.size)), usd: f.usd(d.usd), mine: f.dollars(ctx.size), traded: f.dollars(traded) };
    return t(d.usd < ctx.size ? "tip.fits.short" : "tip.fits", { ...values, money: f.money(money) });
  },
);

const aliveColumn = {
  id: "alive",
  label: "alive",
  make() {
    const now = h("span");
    const usual = h("span", { class: "usual" });
    return { nodes: [now, usual], now, usual };
  },
  fill(parts, entry, ctx) {
    const { ms, exact } = alive(entry, ctx);
    text(parts.now, ms == null ? f.NONE : (exact ? "" : "≥ ") + f.spanShort(ms));
    const usual = ctx.signals.usualByAsset.get(entry.row.asset);
    text(parts.usual, usual == null ? "" : `/ ${f.spanShort(usual)}`);
  },
  title(entry, ctx) {
    const { ms, exact, signal } = alive(entry, ctx);
    const usual = ctx.signals.usualByAsset.get(entry.row.asset);
    const said = [];
    if (signal) said.push(t("tip.alive.signal", { at: f.clock(signal.first_at_ms) }));
    else if (ms != null) said.push(t(exact ? "tip.alive.seen" : "tip.alive.least", { span: f.span(ms) }));
    if (usual != null) said.push(t("tip.alive.usual", { span: f.span(usual) }));
    return said.join(" · ");
  },
};

function fundingLeg(row, name) {
  if (row[`${name}_market`] !== "perp") return t("tip.funding.spot", { side: t(name) });
  const [rate, hours] = [row[`${name}_funding_rate`], row[`${name}_funding_interval_h`]];
  const found = per8h(rate, hours);
  if (found == null) return t("tip.funding.none", { side: t(name) });
  const values = { side: t(name), rate: f.signed(Number(rate) * 100, 4), hours, bps: f.signed(found, 2) };
  return t("tip.funding.leg", values);
}

const carry = one(
  "carry",
  "carry",
  "carry",
  (node, { d }) => {
    text(node, d.carry == null ? f.NONE : f.bps(d.carry));
    cls(node, d.carry >= 0.05 ? "receive" : d.carry <= -0.05 ? "pay" : "");
  },
  ({ row, d }) => {
    if (!d.routed) return "";
    const parts = [fundingLeg(row, "sell"), fundingLeg(row, "buy")];
    if (d.carry != null) parts.push(t(d.carry >= 0 ? "tip.funding.get" : "tip.funding.pay", { bps: f.signed(d.carry, 2) }));
    return parts.join("\n");
  },
);

const next = one(
  "next",
  "next",
  "next",
  (node, { row }, ctx) => {
    const at = nextFunding(row, ctx.now);
    text(node, at == null ? f.NONE : f.until(at - ctx.now));
    cls(node, at != null && at - ctx.now < 600_000 ? "soon" : "");
  },
  ({ row }, ctx) => {
    const at = nextFunding(row, ctx.now);
    return at == null ? t("tip.next.none") : t("tip.next", { at: f.clock(at), cash: f.bps(row.net_cash_bps) });
  },
);

const ages = {
  id: "age",
  label: "age",
  sort: "age",
  make() {
    const buy = h("span");
    const sell = h("span");
    return { nodes: [buy, sell], buy, sell };
  },
  fill(parts, { row, d }, ctx) {
    for (const name of ["buy", "sell"]) {
      const state = row[`${name}_state`];
      const ms = row[`${name}_recv_ms`] == null ? null : ctx.now - row[`${name}_recv_ms`];
      text(parts[name], d.routed ? f.age(ms) : "");
      cls(parts[name], d.routed ? `age ${ageClass(state, ms)}` : "age");
    }
  },
  title({ row, d }, ctx) {
    if (!d.routed) return "";
    const said = (name) => {
      const ms = row[`${name}_recv_ms`] == null ? null : ctx.now - row[`${name}_recv_ms`];
      return t("tip.age", { side: t(name), age: f.age(ms), state: word("leg", row[`${name}_state`]) });
    };
    return `${said("buy")}\n${said("sell")}`;
  },
};

export const COLUMNS = [coin, side("buy"), side("sell"), net, gross, fits, aliveColumn, carry, next, ages];
