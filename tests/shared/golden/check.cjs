// Decodes the golden cases with @msgpack/msgpack and prints each value as the cases write it: integers as {"int": "…"}.
const { readFileSync } = require("node:fs");
const { decode, encode } = require("@msgpack/msgpack");

const told = (value) => {
  if (typeof value === "bigint" || typeof value === "number") return { int: value.toString() };
  return Array.isArray(value) ? value.map(told) : value;
};

for (const line of readFileSync(process.argv[2], "utf8").trim().split("\n")) {
  const { name, hex } = JSON.parse(line);
  const value = decode(Buffer.from(hex, "hex"), { useBigInt64: true });
  const again = Buffer.from(encode(value, { useBigInt64: true })).toString("hex");
  console.log(JSON.stringify({ name, value: told(value), again: JSON.stringify(told(decode(Buffer.from(again, "hex"), { useBigInt64: true }))) === JSON.stringify(told(value)) }));
}
