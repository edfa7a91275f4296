// What the console makes of a board row: the one headline net, the funding difference, whose money moves when. Pure.
//
// net, in and out  = gross − fees of entering − fees of leaving, prices having met again in between
//                    (between two spot markets nothing is closed again: gross − fees of the two trades)
// leaving this very moment = the scanner's net_now_bps, which adds the edge of the way back as it stands now

const cents = (value) => Math.round(value * 100) / 100;

/** A rate of one interval as basis points per eight hours; null where it is not known. */
export function per8h(rate, hours) {
  return rate == null || !hours ? null : (Number(rate) * 8 * 10_000) / Number(hours);
}

function carry(row) {
  if (row.kind === "perp-spot") return row.carry_8h_bps == null ? null : Number(row.carry_8h_bps); // less the loan
  const legs = [
    [row.buy_market, row.buy_funding_rate, row.buy_funding_interval_h, -1],
    [row.sell_market, row.sell_funding_rate, row.sell_funding_interval_h, 1],
  ];
  let sum = 0;
  let perps = 0;
  for (const [market, rate, hours, sign] of legs) {
    if (market !== "perp") continue;
    const found = per8h(rate, hours);
    if (found == null) return null;
    sum += sign * found;
    perps += 1;
  }
  return perps ? cents(sum) : null;
}

/** Figures of a row that do not move with the clock. */
export function derive(row) {
  if (row.kind == null) return { routed: false, net: null, gross: null, fees: null, carry: null };
  const gross = Number(row.edge_bps);
  const fees = cents(gross - Number(row.net_open_bps));
  return {
    routed: true,
    net: Number(row.net_in_out_bps),
    gross,
    fees,
    carry: carry(row),
    usd: Number(row.size_usd),
    key: `${row.buy_venue}|${row.buy_market}|${row.buy_native}|${row.sell_venue}|${row.sell_market}|${row.sell_native}`,
  };
}

/** The next funding of either leg after `now`, in ms; null without one. */
export function nextFunding(row, now) {
  let next = null;
  for (const at of [row.buy_next_funding_ms, row.sell_next_funding_ms]) {
    if (at != null && at > now && (next == null || at < next)) next = at;
  }
  return next;
}

/** The middle of a sorted or unsorted list of numbers; null for none. */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const SORTS = {
  net: (row, d) => d.net,
  gross: (row, d) => d.gross,
  fits: (row, d) => d.usd,
  carry: (row, d) => d.carry,
  next: (row, d, now) => {
    const at = nextFunding(row, now);
    return at == null ? null : -at;
  },
  age: (row) => {
    const oldest = Math.min(row.buy_recv_ms ?? Infinity, row.sell_recv_ms ?? Infinity);
    return Number.isFinite(oldest) ? oldest : null;
  },
};
export const SORT_NAMES = [...Object.keys(SORTS), "coin"];

/** Whether an entry is in view. The server has filtered already; of a picture that is held only what fits stays. */
export function visible(entry, view) {
  const { row, d } = entry;
  if (view.q && !row.asset.includes(view.q)) return false;
  if (!d.routed) return !view.hide;
  if (view.kind && row.kind !== view.kind) return false;
  return !view.venues || (view.venues.has(row.buy_venue) && view.venues.has(row.sell_venue));
}

/** The ids in order, and how many stand above the line (null where the order is not by net). */
export function arrange(entries, view, now) {
  const shown = [];
  let hidden = 0;
  for (const entry of entries) {
    if (!entry.d.routed && (!view.q || entry.row.asset.includes(view.q))) hidden += 1;
    if (visible(entry, view)) shown.push(entry);
  }
  const name = view.sort.replace(/^-/, "");
  const sign = view.sort.startsWith("-") ? 1 : -1;
  if (name === "coin") {
    shown.sort((a, b) => sign * (a.row.asset < b.row.asset ? 1 : a.row.asset > b.row.asset ? -1 : 0));
  } else {
    const keyed = shown.map((entry) => [SORTS[name](entry.row, entry.d, now), entry]);
    keyed.sort(([a, x], [b, y]) => {
      if (a == null || b == null) return (a == null) - (b == null) || (x.row.asset < y.row.asset ? -1 : 1);
      return sign * (a - b) * -1 || (x.row.asset < y.row.asset ? -1 : 1);
    });
    shown.splice(0, shown.length, ...keyed.map(([, entry]) => entry));
  }
  const paying = view.sort === "-net" ? shown.filter((entry) => entry.d.net > 0).length : null;
  return { ids: shown.map((entry) => entry.row.id), paying, hidden };
}
