// The view as a URL: place, search, filters, sort, size, the inspected coin. A copied address shows the same page.

import { SORT_NAMES } from "./derive.js";
import { kept, keep } from "./prefs.js";

const PLACES = { "/": "spreads", "/aggregated": "spreads", "/signals": "signals", "/status": "health" };
const PATHS = { spreads: "/", signals: "/signals", health: "/status" };
const KINDS = ["perp-perp", "spot-perp", "spot-spot", "perp-spot"];
export const SIZE = 1_000;

export function read() {
  const query = new URLSearchParams(location.search);
  const coin = /^\/coin\/([^/]+)$/.exec(location.pathname);
  const sort = query.get("sort") ?? "-net";
  const size = Number(query.get("size") ?? kept().size ?? SIZE);
  const venues = (query.get("venues") ?? "").split(",").filter(Boolean);
  return {
    place: PLACES[location.pathname] ?? "spreads",
    q: (query.get("q") ?? "").toUpperCase(),
    kind: KINDS.includes(query.get("kind")) ? query.get("kind") : "",
    venues: venues.length ? new Set(venues) : null,
    hide: query.get("flagged") !== "show",
    sort: SORT_NAMES.includes(sort.replace(/^-/, "")) ? sort : "-net",
    size: Number.isFinite(size) && size > 0 ? size : SIZE,
    coin: coin ? decodeURIComponent(coin[1]).toUpperCase() : (query.get("coin") ?? "").toUpperCase(),
    state: query.get("state") === "open" ? "open" : "all",
    part: query.get("part") === "rules" ? "rules" : "",
    lang: query.get("lang"),
    theme: query.get("theme"),
  };
}

/** Write the view into the address; a change of place is a step of the history, the rest is not. */
export function write(view, step = false) {
  const query = new URLSearchParams();
  if (view.q) query.set("q", view.q);
  if (view.kind) query.set("kind", view.kind);
  if (view.venues) query.set("venues", [...view.venues].join(","));
  if (!view.hide) query.set("flagged", "show");
  if (view.sort !== "-net") query.set("sort", view.sort);
  if (view.size !== SIZE) query.set("size", String(view.size));
  if (view.coin) query.set("coin", view.coin);
  if (view.state === "open") query.set("state", "open");
  if (view.place === "health" && view.part) query.set("part", view.part);
  if (view.lang) query.set("lang", view.lang);
  if (view.theme) query.set("theme", view.theme);
  keep({ size: view.size });
  const text = query.toString().replaceAll("%2C", ",");
  history[step ? "pushState" : "replaceState"](null, "", PATHS[view.place] + (text ? `?${text}` : ""));
}
