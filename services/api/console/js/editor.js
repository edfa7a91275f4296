// The forms of a rule and of a channel's manners. Each writes what it was opened with, changed in one place, under the
// version that it was read at: who was faster is told of, and what was typed stays.

import { dialog, twice } from "./dialog.js";
import { placed, shown } from "./describe.js";
import { Fields, formOf } from "./fields.js";
import { $, h, replace } from "./dom.js";
import { t, word } from "./i18n.js";

const DENIED = [401, 403];
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** What both forms do: show fields, write, tell what became of it. A kind of thing says where it stands. */
class Editor {
  constructor(view, name) {
    Object.assign(this, { view, name, read: view.read, holder: h("div") });
    this.base = this.standing();
  }

  open(title, above, label) {
    const others = [h("button", { type: "button", class: "button", text: t("cancel"), on: { click: () => this.box.close() } }), this.base && this.remover(label)];
    this.form = formOf([above, this.holder], () => this.save(), others);
    this.fill(this.base ?? {});
    const opener = document.activeElement?.dataset.key;
    this.box = dialog(title, this.form.el, { wide: true, held: () => this.held() });
    this.box.addEventListener("close", () => this.view.focus(opener)); // the list may have been drawn anew meanwhile
    $("select, input", this.form.el).focus();
  }

  remover([label, question]) {
    return twice(label, question, () => this.write(this.without(), t("r.deleted", { name: this.name })), { class: "button danger" });
  }

  fill(values) {
    this.fields = new Fields(this.accepts(), values, this.view.names(), this.groups());
    replace(this.holder, this.fields.el);
  }

  /** Once, where something is typed in that was not saved. */
  held() {
    if (this.warned || !(this.changing || this.fields.touched)) return false;
    this.warned = true;
    this.form.say("warn", t("r.unsaved"));
    return true;
  }

  save() {
    this.fields.clear();
    return this.write(this.changed(given(this.fields.read())), t("r.saved", { name: this.fields.all.has("name") ? this.fields.read().name : this.name }));
  }

  async write(changes, said) {
    this.form.say("", t("r.saving"));
    const answer = await this.view.write(changes, this.read.version);
    if (answer.ok) {
      this.box.close();
      this.view.page.say(said);
    } else if (answer.status === 409) await this.lost();
    else this.refused(answer);
  }

  /** Nothing was written. What stands is read, and said; the next press writes this one thing into it. */
  async lost() {
    const read = await this.view.ask();
    if (!read) return this.form.say("bad", t("fees.away"));
    this.read = read;
    const theirs = this.standing();
    const before = this.base;
    this.base = theirs;
    if (before && !theirs) return this.form.say("warn", t("r.lost.gone"));
    if (same(before, theirs)) return this.form.say("warn", t("r.lost.other"));
    const accepts = this.accepts();
    const named = Object.keys(accepts).filter((name) => !same(before?.[name], theirs[name]));
    const facts = named.map((name) => `${word("field", name)} ${shown(name, theirs[name], theirs)}`).join(" · ");
    const take = h("button", { type: "button", class: "link", text: t("r.lost.take"), on: { click: () => this.fill(theirs) ?? this.form.say("", "") } });
    return this.form.say("warn", t("r.lost.this", { facts }), " ", take);
  }

  refused({ status, error }) {
    if (!error) return this.form.say("bad", t("fees.away"));
    if (DENIED.includes(status)) {
      for (const button of this.form.el.querySelectorAll("[type=submit], .danger")) button.disabled = true;
      return this.form.say("bad", t("r.locked", { reason: error.message }));
    }
    const [place, name] = this.place(error.field ?? "", error.value);
    if (place && this.fields.refuse(name, error)) return this.form.say("bad", t("r.notsaved"));
    return this.form.say("bad", error.message);
  }
}

export class RuleEditor extends Editor {
  constructor(view, name) {
    super(view, name);
    const { rules } = view.schema;
    this.kind = this.base?.kind ?? Object.keys(rules)[0];
    const kinds = h("select", { id: "rule-kind", on: { change: (event) => this.choose(event.target.value) } }, Object.keys(rules).map((one) => h("option", { value: one }, word("rulekind", one))));
    this.about = h("p", { class: "dim small about", text: t(`rulekind.${this.kind}.about`) });
    const kind = this.base ? null : h("div", { class: "field kind" }, h("label", { for: "rule-kind", text: t("r.kind") }), kinds);
    this.open(this.base ? `${word("rulekind", this.kind)} · ${name}` : t("r.new"), [kind, this.about], [t("r.delete"), t("r.delete.sure")]);
  }

  accepts() {
    return this.view.schema.rules[this.kind];
  }

  groups() {
    const { head, when, scope, channels, timing } = placed(this.accepts());
    return [["", head], [t("group.when"), when], [t("group.scope"), scope], [t("group.channels"), channels], [t("group.timing"), timing]].filter(([, names]) => names.length);
  }

  /** Another kind keeps what was typed into the fields that it has too. */
  choose(kind) {
    const before = this.accepts();
    this.changing ||= this.fields.touched;
    const typed = Object.entries(given(this.fields.read())).filter(([name, value]) => !same(value, before[name].default));
    this.kind = kind;
    this.about.textContent = t(`rulekind.${kind}.about`);
    this.form.say("", "");
    this.fill(Object.fromEntries(typed));
  }

  standing() {
    return this.read.rules.find((one) => one.name === this.name);
  }

  /** Where it stands among the rules, or will. */
  get index() {
    const found = this.read.rules.findIndex((one) => one.name === this.name);
    return found < 0 ? this.read.rules.length : found;
  }

  changed(values) {
    const beside = Object.entries(this.base ?? {}).filter(([name]) => !(name in this.accepts()));
    const rules = [...this.read.rules];
    rules[this.index] = { ...Object.fromEntries(beside), kind: this.kind, ...values };
    return { alert_rules: rules };
  }

  without() {
    return { alert_rules: this.read.rules.filter((one) => one.name !== this.name) };
  }

  place(field, value) {
    const start = `alert_rules[${this.index}].`;
    if (field.startsWith(start)) return [true, field.slice(start.length)];
    // of two with one name the later is named, and that may be the other
    return [/^alert_rules\[\d+\]\.name$/.test(field) && value === this.fields.read().name, "name"];
  }
}

export class MannersEditor extends Editor {
  constructor(view, name) {
    super(view, name);
    this.open(t("r.channel", { name }), h("p", { class: "dim small about", text: t("r.channel.about") }), [t("r.usual"), t("r.usual.sure")]);
  }

  accepts() {
    return this.view.schema.manners;
  }

  groups() {
    const quiet = Object.keys(this.accepts()).filter((name) => name.startsWith("quiet_") || name === "time_zone");
    const others = Object.keys(this.accepts()).filter((name) => !quiet.includes(name));
    return [["", others], [t("group.quiet"), quiet]];
  }

  standing() {
    return this.read.channels[this.name];
  }

  changed(values) {
    return { alert_channels: { ...this.read.channels, [this.name]: values } };
  }

  without() {
    const { [this.name]: _, ...others } = this.read.channels;
    return { alert_channels: others };
  }

  place(field) {
    const start = `alert_channels.${this.name}.`;
    return [field.startsWith(start), field.slice(start.length)];
  }
}
