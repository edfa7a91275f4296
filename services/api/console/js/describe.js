// Rules and manners in a few words: what they say, of what, and which field stands where.

import { choiceWord, unitOf } from "./fields.js";
import * as f from "./format.js";
import { t, word } from "./i18n.js";

const HEAD = ["name", "severity", "enabled"];
const TIMING = ["for_s", "recover_s", "cooldown_s"];
/** Said also where they are as usual: without them the others mean little. */
const SAID = ["measure", "crosses"];

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** A kind's fields by where they stand in its form. */
export function placed(accepts) {
  const of = (wanted) => Object.keys(accepts).filter(wanted);
  const scope = of((name) => ["coin", "exchange"].includes(accepts[name].names));
  const channels = of((name) => accepts[name].names === "channel");
  const timing = of((name) => TIMING.includes(name));
  const others = new Set([...HEAD, ...scope, ...channels, ...timing]);
  return { head: HEAD.filter((name) => name in accepts), when: of((name) => !others.has(name)), scope, channels, timing };
}

/** A rule without what is as usual: shorter on its way. */
export const lean = (rule, accepts) =>
  Object.fromEntries(Object.entries(rule).filter(([name, value]) => !accepts?.[name] || accepts[name].required || !same(value, accepts[name].default)));

function measured(figure, unit) {
  if (unit === "$") return unit + figure;
  return !unit || unit.startsWith("/") ? figure + unit : `${figure}\u00a0${unit}`;
}

/** One value of a field in words. */
export function shown(name, value, values) {
  if (value == null) return choiceWord(name, "");
  if (typeof value === "boolean") return t(value ? "on" : "off");
  if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? one.join("→") : choiceWord(name, one))).join(t("r.comma")) || t("r.any");
  if (typeof value === "number") return measured(f.price(String(value)), unitOf(name, values));
  return choiceWord(name, value);
}

/** A number of a rule as a limit: net ≥ 20 bps. */
function limit(name, rule) {
  const value = shown(name, rule[name], rule);
  return word("short", name) === name ? `${word("field", name)} ${value}` : t(`short.${name}`, { value });
}

/** What has to be for a rule to tell: its own fields, and beside what is ticked the limits of that (`quote`: `quote_s`). */
export function condition(rule, accepts) {
  const { when } = placed(accepts);
  const limits = (choice) => when.filter((name) => name.startsWith(`${choice}_`));
  const choices = when.flatMap((name) => accepts[name].each?.choices ?? []);
  const beside = new Set(choices.flatMap(limits));
  const told = when.flatMap((name) => {
    const { type, required, default: usual } = accepts[name];
    const value = rule[name];
    if (type === "list") return (value ?? []).map((one) => [choiceWord(name, one), limits(one).map((own) => limit(own, rule)).join(t("r.comma"))].join(" ").trim());
    if (beside.has(name) || value == null || (!required && !SAID.includes(name) && same(value, usual))) return [];
    return [type === "number" ? limit(name, rule) : shown(name, value, rule)];
  });
  return told.join(" · ") || t("r.whatever");
}

export function coins(rule) {
  const named = rule.asset ? [rule.asset] : (rule.assets ?? []);
  return named.join(t("r.comma")) || t("r.any");
}

export function exchanges(rule, label) {
  const named = rule.venue ? [rule.venue] : (rule.venues ?? []);
  const routes = (rule.routes ?? []).map((pair) => pair.map(label).join("→"));
  const none = rule.kind === "price" ? t("none.venue") : t("r.any");
  return [...named.map(label), ...routes].join(t("r.comma")) || none;
}

/** The quiet hours of a channel. */
export function quiet(manners) {
  if (!manners.quiet_from) return f.NONE;
  const lets = manners.quiet_lets ? t("r.quiet.but", { severity: word("severity", manners.quiet_lets) }) : t("r.quiet.all");
  return `${manners.quiet_from} – ${manners.quiet_to} ${manners.time_zone} · ${lets}`;
}
