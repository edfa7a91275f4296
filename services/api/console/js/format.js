// Numbers and times as text. No number here is ever written in scientific notation; minus is the real minus sign.

export const MINUS = "\u2212";
export const NONE = "–";
const THIN = "\u2009";

/** Thin spaces between thousands of a plain decimal text. */
function grouped(text) {
  const dot = text.indexOf(".");
  const whole = dot < 0 ? text : text.slice(0, dot);
  if (whole.length < 5) return text;
  return whole.replace(/\B(?=(\d{3})+$)/g, THIN) + (dot < 0 ? "" : text.slice(dot));
}

/** A number with fixed decimals, without exponent. */
export function fixed(value, decimals) {
  const text = grouped(Math.abs(value).toFixed(decimals));
  return value < 0 && Number(value.toFixed(decimals)) !== 0 ? MINUS + text : text;
}

/** With its sign always: +50.8, −9.6, 0.0. */
export function signed(value, decimals = 1) {
  if (value == null) return NONE;
  const rounded = Number(value.toFixed(decimals));
  return (rounded > 0 ? "+" : "") + fixed(value, decimals);
}

export const bps = (value) => signed(value, 1);

/** A decimal text without the zeros at its end. */
const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** Digits that count after the point of a decimal text: zeros at the end do not. */
export function decimalsOf(text) {
  const shown = bare(plain(String(text)));
  const dot = shown.indexOf(".");
  return dot < 0 ? 0 : shown.length - dot - 1;
}

/** A price in the exchange's own digits, with zeros up to the decimals that its market has shown so far. */
export function price(text, decimals = 0) {
  if (text == null || text === "") return NONE;
  let shown = bare(plain(String(text)));
  const lack = decimals - decimalsOf(shown);
  if (lack > 0) shown += (shown.includes(".") ? "" : ".") + "0".repeat(lack);
  return shown.startsWith("-") ? MINUS + grouped(shown.slice(1)) : grouped(shown);
}

/** A decimal text without exponent, digits kept. */
export function plain(text) {
  const found = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text);
  if (!found) return text;
  const [, sign, whole, part = "", power] = found;
  const digits = whole + part;
  const point = whole.length + Number(power);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + "0".repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Dollars, short: $950, $4.2k, $182k, $1.3M. */
export function usd(value) {
  if (value == null) return NONE;
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size >= 999_500_000) return `${sign}$${(size / 1e9).toFixed(1)}B`;
  if (size >= 99_950_000) return `${sign}$${(size / 1e6).toFixed(0)}M`;
  if (size >= 999_500) return `${sign}$${(size / 1e6).toFixed(1)}M`;
  if (size >= 99_950) return `${sign}$${(size / 1e3).toFixed(0)}k`;
  if (size >= 1_000) return `${sign}$${(size / 1e3).toFixed(1)}k`;
  return `${sign}$${size.toFixed(0)}`;
}

/** Dollars in a sentence: $1k rather than $1.0k. */
export const dollars = (value) => usd(value).replace(/\.0(?=[kMB])/, "");

/** Dollars and cents with the sign: +$5.08. */
export function money(value) {
  if (value == null) return NONE;
  const text = grouped(Math.abs(value).toFixed(2));
  return `${value < 0 ? MINUS : "+"}$${text}`;
}

/** A count: 1 018 (thin space). */
export const count = (value) => (value == null ? NONE : grouped(String(Math.round(value))));

/** A rate per second: 12.5, 1 095. */
export const rate = (value) => (value == null ? NONE : value < 10 ? value.toFixed(1) : grouped(value.toFixed(0)));

/** Milliseconds of latency: 0.6, 38, 2.4 s. */
export function latency(ms) {
  if (ms == null) return NONE;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** The age of a quote in seconds, short: 0.1, 12, 3m. */
export function age(ms) {
  if (ms == null) return NONE;
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return s.toFixed(1);
  if (s < 100) return s.toFixed(0);
  return s < 5400 ? `${Math.round(s / 60)}m` : `${Math.round(s / 3600)}h`;
}

/** A length of time: 0.4s, 14s, 2m 05s, 1h 04m, 3d 4h. */
export function span(ms) {
  if (ms == null) return NONE;
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  const two = (n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor(s / 3600) % 24}h`;
}

/** Shorter than `span`, one unit: 14s, 2m, 3h. */
export function spanShort(ms) {
  if (ms == null) return NONE;
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s}s`;
  return s < 5400 ? `${Math.round(s / 60)}m` : `${Math.round(s / 3600)}h`;
}

/** Time until: h:mm, or seconds within the last minute. */
export function until(ms) {
  if (ms == null || ms < 0) return NONE;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  return `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}`;
}

/** The time of day, UTC or local: 08:03:41. */
export function clock(ms, utc = true) {
  if (ms == null) return NONE;
  const at = new Date(ms);
  const parts = utc
    ? [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
    : [at.getHours(), at.getMinutes(), at.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** A time of day, with its day where that is another one than of `now`: 08:03:41, 11-20 08:03:41. */
export function moment(ms, now, utc = true) {
  const day = (one) => {
    const at = new Date(utc ? one : one - new Date(one).getTimezoneOffset() * 60_000);
    return at.toISOString().slice(5, 10);
  };
  return ms == null ? NONE : `${day(ms) === day(now) ? "" : `${day(ms)} `}${clock(ms, utc)}`;
}

/** Bytes: 61 MB. */
export function bytes(value) {
  if (value == null) return NONE;
  return value >= 1e9 ? `${(value / 1e9).toFixed(1)} GB` : `${(value / 1e6).toFixed(0)} MB`;
}
