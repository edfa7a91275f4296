// Signals of one gap as one group: a coin whose price lies apart opens a signal on every route across the gap. Pure.

/** Signals of a coin that stand so close together in time are of one gap: its routes do not all end at one sample. */
const TOGETHER_MS = 5_000;

const end = (one) => (one.state === "open" ? Infinity : (one.ended_at_ms ?? one.closed_at_ms ?? one.opened_at_ms));

/** The net of entering that a signal counts by: of now while it is open, at its peak after. */
export const netOf = (one) => Number(one.state === "open" ? one.net_open_bps : one.peak_net_bps);

/** Better first: what is open before what is over, then the higher net. */
export function better(a, b) {
  const [open, other] = [a.state === "open", b.state === "open"];
  if (open !== other) return open ? -1 : 1;
  return netOf(b) - netOf(a) || (a.id < b.id ? -1 : 1);
}

function grouped(members) {
  const oldest = members.reduce((a, b) => (b.first_at_ms < a.first_at_ms || (b.first_at_ms === a.first_at_ms && b.id < a.id) ? b : a));
  const open = members.filter((one) => one.state === "open").length;
  const best = [...members].sort(better);
  return {
    key: `${oldest.symbol}|${oldest.id}`,
    symbol: oldest.symbol,
    members: best,
    best: best[0],
    open,
    first: oldest.first_at_ms,
    opened: Math.min(...members.map((one) => one.opened_at_ms)),
    end: open ? null : Math.max(...members.map(end)),
    newest: Math.max(...members.map((one) => one.opened_at_ms)),
  };
}

/** Groups of signals, the one whose newest signal opened last first: {key, symbol, members, best, open, first, opened, end}. */
export function groups(listed) {
  const byCoin = new Map();
  for (const one of listed) {
    if (!byCoin.has(one.symbol)) byCoin.set(one.symbol, []);
    byCoin.get(one.symbol).push(one);
  }
  const found = [];
  for (const all of byCoin.values()) {
    all.sort((a, b) => a.first_at_ms - b.first_at_ms);
    let members = [];
    let until = -Infinity;
    for (const one of all) {
      if (members.length && one.first_at_ms > until + TOGETHER_MS) {
        found.push(grouped(members));
        members = [];
        until = -Infinity;
      }
      members.push(one);
      until = Math.max(until, end(one));
    }
    found.push(grouped(members));
  }
  return found.sort((a, b) => b.newest - a.newest || (a.key < b.key ? -1 : 1));
}

/** How long a group has lived, from its first good sample to its end or to now. */
export const groupLived = (group, now) => (group.open ? now : group.end) - group.first;
