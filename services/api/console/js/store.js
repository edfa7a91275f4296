// What the page knows: board rows with their derived figures, signals, processes. Follows the push socket.

import { decimalsOf } from "./format.js";
import { derive, median } from "./derive.js";
import { groups } from "./groups.js";

const TRAIL = 240;
const TRAIL_EVERY_MS = 1_000;
const COLUMNS = [
  ...["asset", "at_ms", "why", "signals", "venues", "kind", "edge_bps", "net_open_bps", "net_cash_bps"],
  ...["net_in_out_bps", "net_now_bps", "size", "size_usd", "flags", "buy_venue", "buy_market", "buy_native", "buy_price"],
  ...["sell_venue", "sell_market", "sell_native", "sell_price", "buy_symbol", "buy_state", "buy_recv_ms"],
  ...["buy_funding_rate", "buy_funding_interval_h", "buy_next_funding_ms", "sell_symbol", "sell_state"],
  ...["sell_recv_ms", "sell_funding_rate", "sell_funding_interval_h", "sell_next_funding_ms"],
];

/** What the server is asked to leave in view: a coin shows the best of the routes that fit, or why there is none. */
const filterOf = ({ kind, venues }) => ({ unrouted: true, ...(kind && { kind }), ...(venues && { venues: [...venues].sort() }) });

/** Rows by asset. An entry is {row, d, since, exact, trail}; `since` is when it began to pay on its present route. */
export class Board {
  constructor() {
    this.entries = new Map();
    this.decimals = new Map();
    this.changed = true;
    this.changes = 0;
    this.ready = false;
    this.newestMs = 0;
    // Whether a picture is awaited under another filter, whether the next one is under another, whether one has come.
    this.asked = this.other = this.anew = false;
  }

  follow(push, view) {
    this.subscription = push.subscribe("board", { columns: COLUMNS, rate: 4, filter: filterOf(view) }, this);
    return this.subscription;
  }

  /** Ask for what the view shows. Whether another picture is on its way. */
  choose(view) {
    const filter = filterOf(view);
    const { params, push } = this.subscription;
    if (JSON.stringify(filter) === JSON.stringify(params.filter)) return this.asked;
    params.filter = filter;
    this.subscription.ask();
    this.asked = push.state.up;
    this.other = true;
    return this.asked;
  }

  snapshot(rows) {
    // Under another filter a coin may show another route: its line begins anew.
    const held = this.other ? new Map() : this.entries;
    this.other = this.asked = false;
    this.anew = true;
    this.entries = new Map();
    for (const row of rows) this.put(row, held.get(row.id), !this.ready || held.size === 0);
    this.ready = true;
    this.changed = true;
  }

  error(message) {
    this.asked = false;
    this.onRefused?.(message);
  }

  delta(rows, removed) {
    for (const row of rows) this.put(row, this.entries.get(row.id), false);
    for (const id of removed) this.entries.delete(id);
    this.changes += rows.length;
    this.changed = true;
  }

  put(row, held, first) {
    const d = derive(row);
    if (row.at_ms > this.newestMs) this.newestMs = row.at_ms;
    this.digits(`${row.buy_venue}|${row.buy_native}`, row.buy_price);
    this.digits(`${row.sell_venue}|${row.sell_native}`, row.sell_price);
    let since = null;
    let exact = false;
    if (d.net > 0) {
      const same = held && held.since != null && held.d.key === d.key;
      since = same ? held.since : row.at_ms;
      exact = same ? held.exact : !first;
    }
    const entry = { row, d, since, exact, trail: held ? held.trail : [] };
    const last = entry.trail[entry.trail.length - 1];
    if (d.routed && (!last || row.at_ms - last[0] >= TRAIL_EVERY_MS)) {
      entry.trail.push([row.at_ms, d.net]);
      if (entry.trail.length > TRAIL) entry.trail.shift();
    }
    this.entries.set(row.id, entry);
  }

  /** Most decimals that a market's prices have shown: what its column is padded to. */
  digits(market, text) {
    if (text == null) return;
    const found = decimalsOf(text);
    if (!(found <= this.decimals.get(market))) this.decimals.set(market, found);
  }

  decimalsFor(venue, native) {
    return this.decimals.get(`${venue}|${native}`) ?? 0;
  }
}

/** Signals by id, newest first on demand. */
export class Signals {
  constructor() {
    this.byId = new Map();
    this.openByAsset = new Map();
    this.usualByAsset = new Map();
    this.changed = true;
    this.ready = false;
    this.listed = [];
    this.groups = [];
  }

  follow(push) {
    return push.subscribe("signals", { state: "all", limit: 500, rate: 2 }, this);
  }

  snapshot(rows) {
    this.byId = new Map(rows.map((row) => [row.id, row]));
    this.ready = true;
    this.index();
  }

  delta(rows, removed) {
    for (const row of rows) this.byId.set(row.id, row);
    for (const id of removed) this.byId.delete(id);
    this.index();
  }

  index() {
    this.listed = [...this.byId.values()].sort((a, b) => b.opened_at_ms - a.opened_at_ms || (a.id < b.id ? 1 : -1));
    this.openByAsset = new Map();
    const lengths = new Map();
    for (const one of this.listed) {
      const into = one.state === "open" ? this.openByAsset : lengths;
      if (!into.has(one.symbol)) into.set(one.symbol, []);
      into.get(one.symbol).push(one.state === "open" ? one : one.duration_ms);
    }
    this.groups = groups(this.listed);
    this.usualByAsset = new Map([...lengths].map(([asset, all]) => [asset, median(all.filter((ms) => ms != null))]));
    this.changed = true;
  }

  get open() {
    return this.listed.filter((one) => one.state === "open");
  }

  /** The open signal on the row's own route: the one that has lived longest. */
  of(row) {
    const same = (this.openByAsset.get(row.asset) ?? []).filter(
      (one) =>
        one.long_exchange === row.buy_venue &&
        one.long_symbol === row.buy_symbol &&
        one.short_exchange === row.sell_venue &&
        one.short_symbol === row.sell_symbol,
    );
    return same.reduce((a, b) => (a && a.first_at_ms <= b.first_at_ms ? a : b), null);
  }
}

// From worst to best: several collectors of one exchange are as good as their best.
const STATES = ["down", "starting", "blocked", "refused", "degraded", "live"];

/** Every process that beats, and the exchanges that they serve. */
export class Health {
  constructor() {
    this.processes = new Map();
    this.known = [];
    this.changed = true;
    this.ready = false;
  }

  follow(push) {
    return push.subscribe("health", { rate: 1 }, this);
  }

  snapshot(rows) {
    this.processes = new Map(rows.map((row) => [row.id, row]));
    this.ready = this.changed = true;
  }

  delta(rows, removed) {
    for (const row of rows) this.processes.set(row.id, row);
    for (const id of removed) this.processes.delete(id);
    this.changed = true;
  }

  /** What /api/venues says: exchanges without a living collector are in there too. */
  learn(venues) {
    this.known = venues;
    this.changed = true;
  }

  get services() {
    return [...this.processes.values()].filter((one) => one.name.startsWith("_"));
  }

  /** How many alerts are raised. */
  get alerts() {
    return this.services.reduce((most, one) => Math.max(most, one.alerts_active ?? 0), 0);
  }

  get venues() {
    const names = new Set(this.known.map((one) => one.id));
    for (const one of this.processes.values()) if (!one.name.startsWith("_")) names.add(one.name);
    return [...names].sort().map((name) => this.venue(name));
  }

  venue(name) {
    const members = [...this.processes.values()].filter((one) => one.name === name);
    const told = this.known.find((one) => one.id === name) ?? {};
    const sum = (field) => members.reduce((all, one) => (one[field] == null ? all : (all ?? 0) + one[field]), null);
    const most = (field) => members.reduce((all, one) => (one[field] > (all ?? -Infinity) ? one[field] : all), null);
    const least = (field) => members.reduce((all, one) => (one[field] < (all ?? Infinity) ? one[field] : all), null);
    const best = members.reduce((all, one) => Math.max(all, STATES.indexOf(one.state)), 0);
    return {
      id: name,
      label: told.display_name ?? name,
      state: members.length ? STATES[best] : "down",
      detail: members.map((one) => one.detail).find(Boolean) ?? "",
      members,
      spot: told.spot,
      perp: told.perp,
      quarantined: told.quarantined,
      quarantine: told.quarantine ?? [],
      sum,
      most,
      least,
    };
  }
}
