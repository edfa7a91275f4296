// Read Parallax's streams from Node: `npm install ioredis @msgpack/msgpack`, then
//
//   node examples/read_streams.mjs redis://127.0.0.1:6379/0 quote binance okx
//
// Prints one JSON line per event, and a line on stderr for whatever was missed. The rules are in docs/streams.md.
// Times are nanoseconds, above 2^53: `useBigInt64` is needed, and JSON carries them as text here.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { decode } = require("@msgpack/msgpack");
const Redis = require("ioredis");

const FIELDS = {
  q: ["symbol", "bid", "bid_size", "ask", "ask_size", "ts", "recv", "source", "seq"],
  t: ["symbol", "price", "size", "side", "id", "ts", "recv", "flag"],
  b: ["symbol", "bids", "asks", "seq", "ts", "recv", "source"],
  d: ["symbol", "bands", "total_bid_size", "total_ask_size", "ts", "recv"],
  m: ["symbol", "mark", "index", "ts", "recv", "source"],
  f: ["symbol", "rate", "interval_h", "next_ts", "funding_index", "ts", "recv", "source"],
  p: ["symbol", "rate", "interval_h", "settle_ts", "mark", "recv"],
  l: ["symbol", "side", "price", "size", "ts", "recv", "id", "price_kind"],
  s: ["symbol", "last", "volume", "turnover", "open_interest", "ts", "recv", "open_interest_value", "source"],
  x: ["symbol", "state", "reason", "recv"],
};
const LAST_KINDS = ["quote", "mark", "funding", "stats"];

const [url = "redis://127.0.0.1:6379/0", kind = "quote", ...venues] = process.argv.slice(2);
const redis = new Redis(url, { maxRetriesPerRequest: null });
const unpack = (bytes) => decode(bytes, { useBigInt64: true });
const text = (_, value) => (typeof value === "bigint" ? value.toString() : value);

// Fields that a newer writer has appended are left out.
function named(event) {
  const names = FIELDS[event[0]] ?? [];
  return { event: event[0], ...Object.fromEntries(names.map((name, index) => [name, event[index + 1] ?? null])) };
}

const held = new Map();
const moment = (event) => event.ts ?? event.recv;

// Quotes and the like: never go back in venue time (in time of receipt where there is none). Trades: every one counts.
function show(venue, event) {
  if ("qmfs".includes(event.event)) {
    const id = `${venue} ${event.symbol}`;
    const before = held.get(id);
    if (before !== undefined && moment(event) < moment(before)) return;
    held.set(id, event);
  }
  console.log(JSON.stringify({ venue, ...event }, text));
}

// A number seen before is a retry; a jump is a loss, unless the missing ones come late.
class Numbers {
  high = new Map();
  missing = new Map();

  take(producer, seq) {
    const number = BigInt(seq); // small integers are numbers, large ones big integers
    const high = this.high.get(producer) ?? number - 1n;
    const missing = this.missing.get(producer) ?? this.missing.set(producer, new Set()).get(producer);
    if (number > high) {
      for (let lost = high + 1n; lost < number; lost += 1n) missing.add(lost);
      this.high.set(producer, number);
      if (missing.size > 256) {
        console.error(`${missing.size} batches of ${producer} were missed`);
        missing.clear();
      }
      return true;
    }
    return missing.delete(number);
  }
}

async function follow(partition) {
  const positions = new Map();
  const numbers = new Map();
  for (const venue of venues) {
    // The newest id first, then the last values, then the stream from 2 s before that id.
    const key = `md:{${partition}}:${venue}:${kind}`;
    const newest = await redis.xrevrange(key, "+", "-", "COUNT", 1);
    const ms = newest.length ? Number(newest[0][0].split("-")[0]) : 0;
    if (LAST_KINDS.includes(kind)) {
      const stored = await redis.hgetallBuffer(`last:{${partition}}:${venue}:${kind}`);
      for (const [field, value] of Object.entries(stored)) {
        if (!field.startsWith("x:")) show(venue, named(unpack(value)));
      }
    }
    positions.set(key, { venue, id: `${Math.max(0, ms - 2000)}-0` });
    numbers.set(key, new Numbers());
  }
  const reader = redis.duplicate(); // a blocking read keeps its connection
  for (;;) {
    const ids = [...positions.values()].map((position) => position.id);
    const reply = await reader.xreadBuffer("COUNT", 100, "BLOCK", 1000, "STREAMS", ...positions.keys(), ...ids);
    for (const [key, entries] of reply ?? []) {
      const position = positions.get(key.toString());
      for (const [id, [field, value]] of entries) {
        position.id = id.toString();
        if (field.toString() !== "v1") {
          console.error(`${key} ${id}: another schema version`);
          continue;
        }
        const [producer, seq, events] = unpack(value);
        if (!numbers.get(key.toString()).take(producer, seq)) continue;
        for (const event of events) show(position.venue, named(event));
      }
    }
  }
}

const partitions = Number((await redis.get("meta:partitions")) ?? 1);
await Promise.all(Array.from({ length: partitions }, (_, partition) => follow(partition)));
