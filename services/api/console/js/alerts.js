// Alerts: what is raised now, and the channels with a test for each. A part of the health page; asked for, not pushed.

import * as f from "./format.js";
import { h, replace, text } from "./dom.js";
import { language, t, word } from "./i18n.js";

const ASK_MS = 3_000;
const SHOWN = 30;
const TONES = { info: "", warning: "warn", critical: "bad", ok: "good", unused: "", failing: "bad", unusable: "bad" };
const MARKS = { info: "ℹ", warning: "▲", critical: "✗", ok: "●", unused: "○", failing: "✗", unusable: "✗" };

export const chip = (family, value, title) => h("span", { class: `chip ${TONES[value] ?? ""}`, title }, h("i", { text: `${MARKS[value] ?? ""} ` }), word(family, value));
const head = (keys) => h("thead", null, h("tr", null, keys.map(([key, kind]) => h("th", { class: kind ?? "", scope: "col", text: t(key), title: t(`${key}.tip`) }))));

export class Alerts {
  constructor() {
    this.told = null;
    this.notes = new Map();
    this.asked = 0;
    this.title = h("h2");
    this.second = h("h2");
    this.list = h("div");
    this.channels = h("div");
    this.el = h("div", null, this.title, this.list, this.second, this.channels);
  }

  get count() {
    return this.told?.count ?? 0;
  }

  /** Draw what is known. */
  draw(now, force) {
    this.follow();
    if (!force && !this.changed && now - (this.drawn ?? 0) < 1_000) return;
    this.drawn = now;
    text(this.title, t("a.title"));
    text(this.second, t("a.channels"));
    replace(this.list, this.listed(now));
    // left alone while it is the same: who is about to press its button should not lose it
    const shown = JSON.stringify([this.told?.channels, [...this.notes], language()]);
    if (shown !== this.shown) replace(this.channels, this.offered());
    this.shown = shown;
    this.changed = false;
  }

  /** Ask when it is time. */
  follow() {
    if (Date.now() - this.asked > ASK_MS) this.ask();
  }

  async ask() {
    this.asked = Date.now();
    const answer = await fetch("/api/alerts", { headers: { Accept: "application/json" } }).catch(() => null);
    this.told = answer?.ok ? await answer.json().catch(() => this.told) : this.told;
    this.changed = true;
  }

  listed(now) {
    if (!this.told) return h("p", { class: "dim note", text: t("loading") });
    if (this.told.alerter === "away") return h("p", { class: "alarm note", text: t("a.away") });
    if (!this.told.alerts.length) return h("p", { class: "dim note", text: t("a.none") });
    const rows = this.told.alerts.slice(0, SHOWN).map((one) => {
      const unit = one.unit ? ` ${one.unit}` : "";
      const facts = Object.entries(one.about).map(([name, value]) => `${name}: ${value}`).join("\n");
      return h(
        "tr",
        null,
        h("td", null, chip("severity", one.severity)),
        h("td", { text: one.title[language()].slice(2), title: facts }),
        h("td", { class: "n", text: f.span(now - one.began_at_ms) }),
        h("td", { class: "n", text: one.peak ? `${one.peak}${unit}` : f.NONE }),
        h("td", { text: one.rule }),
      );
    });
    const table = h("table", { class: "grid alert-list" }, head([["a.severity"], ["a.what"], ["a.since", "n"], ["a.worst", "n"], ["a.rule"]]), h("tbody", null, rows));
    const more = this.told.count - rows.length;
    return more > 0 ? [table, h("p", { class: "dim note", text: t("a.more", { n: f.count(more) }) })] : table;
  }

  offered() {
    if (!this.told) return [];
    if (!this.told.channels.length) return h("p", { class: "dim note", text: t("a.nochannel") });
    const rows = this.told.channels.map((one) =>
      h(
        "tr",
        null,
        h("td", null, h("b", { text: one.name })),
        h("td", { text: one.kind }),
        h("td", null, chip("channel", one.state, one.last_error), " ", h("span", { class: "dim", text: one.state === "ok" ? "" : (one.last_error ?? "") })),
        h("td", { class: "n", text: f.count(one.delivered_total) }),
        h("td", { class: "n", text: f.count(one.waiting + one.held) }),
        h("td", null, one.state === "unusable" ? null : this.button(one), " ", h("span", { class: "dim", role: "status", text: this.notes.get(one.name) ?? "" })),
      ),
    );
    const keys = [["a.channel"], ["a.kind"], ["a.state"], ["a.sent", "n"], ["a.waiting", "n"], ["a.test"]];
    return h("table", { class: "grid channel-list" }, head(keys), h("tbody", null, rows));
  }

  button(one) {
    const busy = this.notes.get(one.name) === t("a.testing");
    return h("button", { type: "button", class: "button", disabled: busy, text: t("a.test"), on: { click: () => this.test(one.name) } });
  }

  async test(channel) {
    this.note(channel, t("a.testing"));
    const body = JSON.stringify({ channel });
    const answer = await fetch("/api/alerts/test", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    this.note(channel, answer?.ok ? t("a.tested", { took: f.latency(told.took_ms) }) : (told?.error?.message ?? t("a.away")));
    this.ask();
  }

  note(channel, said) {
    this.notes.set(channel, said);
    this.changed = true;
  }
}
