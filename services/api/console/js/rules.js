// The rules of the alerts and the manners of their channels: a part of the health page, read and written as settings.

import { chip } from "./alerts.js";
import { readJson, writeConfig } from "./config.js";
import { coins, condition, exchanges, lean, quiet } from "./describe.js";
import { twice } from "./dialog.js";
import { $, h, replace, text } from "./dom.js";
import { MannersEditor, RuleEditor } from "./editor.js";
import * as f from "./format.js";
import { language, learn, t, word } from "./i18n.js";
import { RULE_WORDS } from "./rulewords.js";

learn(RULE_WORDS);
await new Promise((come) => document.head.append(h("link", { rel: "stylesheet", href: "/css/form.css", on: { load: come, error: come } })));

const ASK_MS = 5_000;
const DENIED = [401, 403];

export class Rules {
  constructor(page, alerts) {
    Object.assign(this, { page, alerts, read: null, schema: null, locked: "", asked: 0 });
    this.title = h("h2");
    this.second = h("h2");
    this.note = h("p", { class: "note warn", role: "status" });
    this.add = h("button", { type: "button", class: "button primary", on: { click: () => new RuleEditor(this, null) } });
    this.defaults = h("span");
    this.list = h("div");
    this.channels = h("div");
    this.el = h("div", { class: "scroll rules" }, h("div", { class: "rules-head" }, this.title, this.add, this.defaults), this.note, this.list, this.second, this.channels);
  }

  /** What stands, read anew; null where it cannot be had. */
  async ask() {
    this.asked = Date.now();
    if (!this.schema) {
      const fields = await readJson("/api/alerts/fields");
      if (fields.ok) this.schema = fields.told;
    }
    const answer = await readJson("/api/config");
    this.away = !answer.ok || !this.schema;
    return this.away ? null : this.take(answer.told);
  }

  take({ version, settings, warnings }) {
    const { alert_rules: rules, alert_channels: channels } = settings;
    this.read = { version, rules: rules.value, channels: channels.value, defaults: rules.default, warnings: warnings ?? [] };
    return this.read;
  }

  /** Write under the version that was read. The page knows at once what stands then. */
  async write(changes, version) {
    const { alert_rules: rules } = changes;
    const answer = await writeConfig(rules ? { ...changes, alert_rules: rules.map((one) => lean(one, this.schema.rules[one.kind])) } : changes, version);
    if (answer.ok) this.take(answer.told);
    if (DENIED.includes(answer.status)) this.locked = answer.error?.message ?? String(answer.status);
    this.draw();
    return answer;
  }

  /** A change from the list itself, without a form. */
  async change(changes) {
    const answer = await this.write(changes, this.read.version);
    if (answer.status === 409) await this.ask();
    this.said = answer.ok ? "" : answer.status === 409 ? t("r.lost.list") : (answer.error?.message ?? t("fees.away"));
    this.drawn = ""; // a switch shows what stands, not what was wished
    this.draw();
  }

  draw() {
    this.alerts.follow();
    if (Date.now() - this.asked > ASK_MS) this.ask();
    const known = this.known();
    const key = JSON.stringify([this.read, known, this.alerts.told?.alerter, this.away, this.locked, this.said, language()]);
    if (key === this.drawn) return;
    this.drawn = key;
    text(this.title, t("r.title"));
    text(this.second, t("a.channels"));
    text(this.add, t("r.add"));
    const said = this.locked ? t("r.locked", { reason: this.locked }) : this.away ? t("fees.away") : this.said || (this.alerts.told?.alerter === "away" ? t("a.away") : "");
    text(this.note, said);
    this.note.hidden = !said;
    this.add.disabled = !this.read || !this.schema || !!this.locked;
    if (!this.read || !this.schema) return replace(this.list, h("p", { class: "dim note", text: t("loading") }));
    this.keepFocus(() => {
      replace(this.defaults, this.restore());
      replace(this.list, this.read.rules.length ? this.table() : h("p", { class: "dim note", text: t("r.none") }));
      replace(this.channels, known.length ? this.channelTable(known) : h("p", { class: "dim note", text: t("a.nochannel") }));
    });
  }

  get summary() {
    if (!this.read) return "";
    const { rules } = this.read;
    return t("r.summary", { n: f.count(rules.length), on: f.count(rules.filter((one) => one.enabled).length), m: f.count(this.known().length) });
  }

  /** Whoever stood on a switch or a button stands on it again. */
  keepFocus(change) {
    const held = this.el.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    change();
    if (held) this.focus(held);
  }

  focus(key) {
    const found = this.el.querySelector(`[data-key="${CSS.escape(key ?? "")}"]`) ?? this.add;
    (found.disabled ? $("#main") : found).focus({ preventScroll: true });
  }

  restore() {
    const { rules, defaults } = this.read;
    if (JSON.stringify(rules) === JSON.stringify(defaults)) return [];
    return twice(t("r.defaults"), t("r.defaults.sure"), () => this.change({ alert_rules: null }), { disabled: !!this.locked, data: { key: "defaults" } });
  }

  table() {
    const keys = ["r.on", "r.rule", "r.when", "r.coins", "r.exchanges", "a.severity", "a.channels"];
    const head = h("tr", { role: "row" }, keys.map((key) => h("th", { scope: "col", role: "columnheader", text: t(key) })), h("th", { role: "columnheader" }, h("span", { class: "unseen", text: t("r.edit") })));
    const rows = this.read.rules.map((one) => this.row(one));
    return h("table", { class: "grid rule-list", role: "table", "aria-label": t("r.title") }, h("thead", { role: "rowgroup" }, head), h("tbody", { role: "rowgroup" }, rows));
  }

  row(one) {
    const accepts = this.schema.rules[one.kind] ?? {};
    const cell = (name, key, ...shown) => h("td", { role: "cell", class: name, data: { label: key ? t(key) : "" } }, shown);
    const named = (list) => (list?.length ? "named" : "usual");
    const label = (id) => this.schema.exchanges.find((each) => each.id === id)?.display_name ?? id;
    const strange = this.read.warnings.filter((each) => each.rule === one.name);
    const warned = (code) => strange.filter((each) => each.code === code).map(({ value }) => h("span", { class: "alarm small", text: ` ⚠ ${t(`r.${code}`, { value })}` }));
    const flip = () => this.change({ alert_rules: this.read.rules.map((each) => (each.name === one.name ? { ...each, enabled: !each.enabled } : each)) });
    const on = h("input", { type: "checkbox", role: "switch", checked: one.enabled, disabled: !!this.locked, title: this.locked || null, "aria-label": t("r.on.of", { name: one.name }), data: { key: `on ${one.name}` }, on: { change: flip } });
    const edit = h("button", { type: "button", class: "button", disabled: !!this.locked, title: this.locked || null, text: t("r.edit"), "aria-label": t("r.edit.of", { name: one.name }), data: { key: `edit ${one.name}` }, on: { click: () => new RuleEditor(this, one.name) } });
    return h(
      "tr",
      { role: "row", class: one.enabled ? "" : "is-off", data: { rule: one.name } },
      cell("on", "", on),
      cell("rule", "", h("b", { text: one.name }), h("span", { class: "dim", text: word("rulekind", one.kind) })),
      cell("when", "", condition(one, accepts)),
      cell(`coins ${named(one.asset ?? one.assets)}`, "r.coins", coins(one), warned("unknown_symbol")),
      cell(`exchanges ${named(one.venue ?? [...(one.venues ?? []), ...(one.routes ?? [])])}`, "r.exchanges", exchanges(one, label), warned("not_collected")),
      cell("severity", "a.severity", chip("severity", one.severity)),
      cell(`channels ${named(one.channels)}`, "a.channels", one.channels.join(t("r.comma")) || t("r.channels.all")),
      cell("edit", "", edit),
    );
  }

  /** The names of channels that are set up, and those of which only the manners are left. */
  known() {
    const told = (this.alerts.told?.channels ?? []).map((one) => one.name);
    return [...new Set([...told, ...Object.keys(this.read?.channels ?? {})])].sort();
  }

  names() {
    return {
      coin: [...this.page.board.entries.keys()].sort(),
      exchange: this.schema.exchanges.map((one) => [one.id, one.display_name]),
      channel: (this.alerts.told?.channels ?? []).map(({ name }) => [name, name]),
    };
  }

  channelTable(known) {
    const usual = Object.fromEntries(Object.entries(this.schema.manners).map(([name, one]) => [name, one.default]));
    const keys = ["a.channel", "r.from", "r.pace", "r.quiet", "r.ends", "r.lang"];
    const head = h("tr", { role: "row" }, keys.map((key) => h("th", { scope: "col", role: "columnheader", text: t(key) })), h("th", { role: "columnheader" }, h("span", { class: "unseen", text: t("r.edit") })));
    const rows = known.map((name) => this.channelRow(name, { ...usual, ...this.read.channels[name] }));
    return h("table", { class: "grid manners-list", role: "table", "aria-label": t("a.channels") }, h("thead", { role: "rowgroup" }, head), h("tbody", { role: "rowgroup" }, rows));
  }

  channelRow(name, manners) {
    const told = this.alerts.told?.channels.find((one) => one.name === name);
    const cell = (name, key, ...shown) => h("td", { role: "cell", class: name, data: { label: key ? t(key) : "" } }, shown);
    const edit = h("button", { type: "button", class: "button", disabled: !!this.locked, title: this.locked || null, text: t("r.edit"), "aria-label": t("r.edit.of", { name }), data: { key: `channel ${name}` }, on: { click: () => new MannersEditor(this, name) } });
    return h(
      "tr",
      { role: "row", data: { channel: name } },
      cell("rule", "", h("b", { text: name }), h("span", { class: "dim", text: told?.kind ?? t("r.channel.gone") })),
      cell("from", "r.from", chip("severity", manners.min_severity)),
      cell("pace", "r.pace", t("r.pace.of", { n: manners.per_minute })),
      cell("quiet", "r.quiet", quiet(manners)),
      cell("ends", "r.ends", t(manners.ends ? "r.yes" : "r.no")),
      cell("tongue", "r.lang", word("choice.lang", manners.lang)),
      cell("edit", "", edit),
    );
  }
}
