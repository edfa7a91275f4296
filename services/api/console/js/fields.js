// Fields of a form, made from what the API says they accept. The server alone judges; what it refuses is shown here.

import { $, h, replace } from "./dom.js";
import * as f from "./format.js";
import { language, t, word } from "./i18n.js";

const FAMILIES = { severity: "severity", min_severity: "severity", quiet_lets: "severity", kinds: "kind" };
const SAMPLES = { name: "funding-gap", asset: "BTC", assets: "BTC, ETH", quiet_from: "23:00", quiet_to: "07:30", time_zone: "Asia/Shanghai" };
const SUFFIXES = [["_per_s", "/s"], ["_bps", "bps"], ["_percent", "%"], ["_usd", "$"], ["_times", "×"], ["_ms", "ms"], ["_s", "s"]];
const HUGE = 1e9;
const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The word for one of a field's choices; "" stands for none of them. */
export function choiceWord(name, value) {
  if (value === "") return word("none", name) === name ? f.NONE : t(`none.${name}`);
  return word(FAMILIES[name] ?? `choice.${name}`, value);
}

/** In what a field is counted, by its name; `above` by what is measured. */
export function unitOf(name, values = {}) {
  const of = name === "above" ? String(values.measure ?? "") : name;
  return SUFFIXES.find(([end]) => of.endsWith(end))?.[1] ?? "";
}

/** A number as people type it: 0.5, −3, 100,000, 0,25; null where it is none. */
export function number(typed) {
  const bare = typed.replace(/[\s\u2009_]/g, "").replace("−", "-");
  const plain = /^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(bare) ? bare.replaceAll(",", "") : bare.replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
}

function figure(value) {
  const power = Math.log10(value);
  return value >= HUGE && Number.isInteger(power) ? `10${[...String(power)].map((one) => POWERS[one]).join("")}` : f.price(String(value));
}

/** Bounds in signs, the same in every language: > 0, ≤ 100. */
export function bounds({ minimum, exclusive_minimum: over, maximum, exclusive_maximum: under }) {
  if (minimum != null && maximum != null) return `${figure(minimum)} – ${figure(maximum)}`;
  const parts = [["≥", minimum], [">", over], ["≤", maximum], ["<", under]];
  return parts.filter(([, value]) => value != null).map(([sign, value]) => `${sign} ${figure(value)}`).join(", ");
}

/** What is refused, and what was expected: of what the API told beforehand in the page's language. */
export function refusal(error, name, accepts) {
  const own = accepts && error.expected?.startsWith(accepts.expected);
  const expected = own ? wanted(name, accepts) : word("expected", error.expected ?? error.message);
  return t("r.refused", { field: name, value: error.value == null ? t("r.missing") : `“${error.value}”`, expected });
}

function wanted(name, accepts) {
  if (language() === "en") return accepts.expected.replace(/ or null$/, "");
  const which = accepts.choices?.map((one) => choiceWord(name, one)).join(t("r.comma")) || bounds(accepts) || hintOf(name);
  return [word("type", accepts.type), which].filter(Boolean).join("，");
}

const hintOf = (name) => (word("hint", name) === name ? "" : t(`hint.${name}`));

let ids = 0;

/** One field: `el`, `read()` (undefined: left out, the default counts), `refuse(text)` and `focus()`. */
function field(name, accepts, value, names) {
  const id = `field-${++ids}`;
  const made = build(name, accepts, value, names, id);
  const about = [hintOf(name), bounds(accepts), usual(name, accepts)].filter(Boolean).join(" · ").replaceAll("\u2009", "\u202f"); // no figure is broken in two
  const hint = h("p", { class: "hint", id: `${id}-hint`, text: about, hidden: !about });
  const refused = h("p", { class: "refused", id: `${id}-refused`, role: "alert" });
  const unit = h("span", { class: "unit" });
  const label = [h("span", { text: word("field", name) }), unit, accepts.required && h("span", { class: "required", text: ` · ${t("r.required")}` })];
  const props = { class: `field ${made.kind}`, data: { field: name } };
  const el = made.group
    ? h("fieldset", { ...props, "aria-describedby": `${id}-hint ${id}-refused` }, h("legend", null, label), made.el, hint, refused)
    : h("div", props, h("label", { for: id }, made.kind === "tick" ? [made.el, label] : label), made.kind === "tick" ? null : made.el, made.list, hint, refused);
  if (!made.group) {
    made.el.setAttribute("aria-describedby", `${id}-hint ${id}-refused`);
    if (accepts.required) made.el.setAttribute("aria-required", "true");
  }
  const marked = made.group ? el : made.el;
  return {
    el,
    read: made.read,
    count: (shown) => (unit.textContent = shown ? t("r.unit", { unit: shown }) : ""),
    focus: () => (made.group ? $("input, select, button", el) : made.el)?.focus(),
    refuse(said) {
      refused.textContent = said;
      if (said) marked.setAttribute("aria-invalid", "true");
      else marked.removeAttribute("aria-invalid");
    },
  };
}

function usual(name, accepts) {
  const { type, default: standing } = accepts;
  return (type === "number" || type === "integer") && standing != null ? t("r.default", { value: f.price(String(standing)) }) : "";
}

/** [value, shown] of what can be chosen; null where anything may be written. */
function optionsOf(name, accepts, names) {
  const { choices } = accepts.each ?? accepts;
  if (choices) return choices.map((one) => [one, choiceWord(name, one)]);
  return accepts.names === "coin" ? null : (names[accepts.names] ?? null);
}

function build(name, accepts, value, names, id) {
  const options = optionsOf(name, accepts, names);
  if (accepts.type === "boolean") return tick(value, id);
  if (accepts.type === "list" && accepts.each.length) return pairs(value ?? [], options ?? []);
  if (accepts.type === "list") return options ? ticks(value ?? [], options) : listed(name, value ?? [], id);
  return options ? pick(name, accepts, value, options, id) : line(name, accepts, value, names, id);
}

function tick(value, id) {
  const el = h("input", { type: "checkbox", id, checked: !!value });
  return { el, kind: "tick", read: () => el.checked };
}

function pick(name, accepts, value, options, id) {
  const all = accepts.nullable ? [["", choiceWord(name, "")], ...options] : options;
  const el = h("select", { id }, all.map(([one, shown]) => h("option", { value: one }, shown)));
  el.value = value ?? (accepts.nullable ? "" : options[0]?.[0]);
  return { el, kind: "pick", read: () => (el.value === "" ? null : el.value) };
}

function line(name, accepts, value, names, id) {
  const numeric = accepts.type === "number" || accepts.type === "integer";
  const offered = name === "time_zone" ? Intl.supportedValuesOf?.("timeZone") : names[accepts.names];
  const list = offered?.length ? h("datalist", { id: `${id}-list` }, offered.map((one) => h("option", { value: one }))) : null;
  const el = h("input", { id, class: numeric ? "n" : null, inputmode: numeric ? "decimal" : null, placeholder: SAMPLES[name], value: value == null ? "" : numeric ? f.plain(String(value)) : value, autocomplete: "off", spellcheck: "false", list: list?.id });
  const read = () => {
    const typed = el.value.trim();
    return typed === "" ? undefined : numeric ? (number(typed) ?? typed) : typed;
  };
  return { el, kind: "line", read, list };
}

function listed(name, value, id) {
  const el = h("input", { id, placeholder: SAMPLES[name], value: value.join(", "), autocomplete: "off", spellcheck: "false" });
  return { el, kind: "line", read: () => el.value.split(/[\s,，、;]+/).filter(Boolean) };
}

function ticks(value, options) {
  const known = options.map(([one]) => one);
  const all = [...options, ...value.filter((one) => !known.includes(one)).map((one) => [one, `${one} ?`])];
  const boxes = all.map(([one]) => h("input", { type: "checkbox", value: one, checked: value.includes(one) }));
  const el = h("div", { class: "ticks" }, all.map(([, shown], i) => h("label", null, boxes[i], shown)));
  return { el, kind: "many", group: true, read: () => boxes.filter((box) => box.checked).map((box) => box.value) };
}

/** Pairs of names: bought at, sold at. */
function pairs(value, options) {
  const rows = h("div", { class: "pairs" });
  const side = (label, chosen) => {
    const select = h("select", { "aria-label": t(label) }, h("option", { value: "" }, t(label)), options.map(([one, shown]) => h("option", { value: one }, shown)));
    select.value = chosen ?? "";
    return select;
  };
  const add = (pair = []) => {
    const row = h("div", { class: "pair" }, side("buy", pair[0]), h("span", { class: "dim", text: "→" }), side("sell", pair[1]));
    row.append(h("button", { type: "button", class: "icon", text: "✕", title: t("r.route.remove"), "aria-label": t("r.route.remove"), on: { click: () => more.focus() ?? row.remove() } }));
    rows.append(row);
    return row;
  };
  const more = h("button", { type: "button", class: "link", text: t("r.route.add"), on: { click: () => $("select", add()).focus() } });
  value.forEach((pair) => add(pair));
  const read = () => [...rows.children].map((row) => [...row.querySelectorAll("select")].map((one) => one.value)).filter((pair) => pair.some(Boolean));
  return { el: h("div", null, rows, more), kind: "many", group: true, read };
}

/** The fields of one thing, in groups: [[legend, [name, …]], …]. `names`: what there is to name, by kind. */
export class Fields {
  constructor(accepts, values, names, groups) {
    this.accepts = accepts;
    const filled = (name) => (values[name] === undefined ? accepts[name].default : values[name]);
    this.all = new Map(groups.flatMap(([, own]) => own).map((name) => [name, field(name, accepts[name], filled(name), names)]));
    this.el = h("div", { class: "form", on: { change: () => this.count() } }, groups.map(([legend, own]) => this.group(legend, own)));
    this.count();
    this.before = JSON.stringify(this.read());
  }

  group(legend, own) {
    const shown = h("div", { class: "fields" }, own.map((name) => this.all.get(name).el));
    return legend ? h("section", null, h("h3", { text: legend }), shown) : shown;
  }

  /** Units follow what is measured. */
  count() {
    const values = this.read();
    for (const [name, one] of this.all) one.count(unitOf(name, values));
  }

  read() {
    return Object.fromEntries([...this.all].map(([name, one]) => [name, one.read()]));
  }

  get touched() {
    return JSON.stringify(this.read()) !== this.before;
  }

  /** Show an error at its field; false where it is none of these. */
  refuse(name, error) {
    const one = this.all.get(name);
    if (!one) return false;
    one.refuse(refusal(error, name, this.accepts[name]));
    one.focus();
    return true;
  }

  clear() {
    for (const one of this.all.values()) one.refuse("");
  }
}

/** A form around fields: save, what else there is to press, and what became of it. */
export function formOf(body, onSave, others = []) {
  const note = h("p", { class: "note", role: "status" });
  const save = h("button", { type: "submit", class: "button primary", text: t("save") });
  const el = h("form", { class: "editor", novalidate: true }, body, h("div", { class: "form-foot" }, save, others, note));
  let busy = false;
  el.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy || save.disabled) return;
    busy = true;
    await onSave();
    busy = false;
  });
  const say = (tone, ...parts) => {
    note.className = `note ${tone}`;
    replace(note, parts);
  };
  return { el, say };
}
