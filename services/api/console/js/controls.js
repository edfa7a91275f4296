// The line above the table: my size, fees, kind, exchanges, what is hidden, pause.

import * as f from "./format.js";
import { $, h, replace, text } from "./dom.js";
import { t, word } from "./i18n.js";

const KINDS = ["", "perp-perp", "spot-perp", "spot-spot", "perp-spot"];

/** Dollars from what a person types: 1000, 1,000, 1k, $2.5k. */
export function amount(typed) {
  const found = /^\$?\s*([\d.,\s]+)\s*([kKmM]?)$/.exec(typed.trim());
  if (!found) return null;
  const value = Number(found[1].replace(/[,\s]/g, "")) * { "": 1, k: 1e3, m: 1e6 }[found[2].toLowerCase()];
  return Number.isFinite(value) && value > 0 && value <= 1e12 ? value : null;
}

export class Controls {
  constructor(view, page, onChange) {
    Object.assign(this, { view, page, onChange });
    const change = (apply) => (event) => {
      apply(event.target);
      onChange();
    };
    this.search = h("input", { type: "search", class: "search", spellcheck: "false", autocomplete: "off", on: { input: change((field) => (view.q = field.value.trim().toUpperCase())), keydown: (event) => this.searchKey(event) } });
    this.size = h("input", { class: "size n", inputmode: "decimal", size: "8", on: { change: change((field) => this.takeSize(field)), keydown: (event) => event.key === "Enter" && event.target.blur() } });
    this.kind = h("select", { on: { change: change((field) => (view.kind = field.value)) } });
    this.hide = h("input", { type: "checkbox", on: { change: change((field) => (view.hide = field.checked)) } });
    this.hideText = h("span");
    this.fees = h("button", { type: "button", class: "control", on: { click: () => page.openSettings("fees") } });
    this.venuesSummary = h("summary", { class: "control" });
    this.venuesList = h("div", { class: "menu" });
    this.venues = h("details", { class: "dropdown" }, this.venuesSummary, this.venuesList);
    this.pause = h("button", { type: "button", class: "control pause", on: { click: () => page.pause() } });
    this.labels = { size: h("span"), kind: h("span") };
    this.counts = h("span", { class: "counts dim" });
    this.el = h(
      "div",
      { class: "controls" },
      h("label", { class: "control" }, this.labels.size, this.size),
      this.fees,
      h("label", { class: "control pick" }, this.labels.kind, this.kind),
      this.venues,
      h("label", { class: "control check" }, this.hide, this.hideText),
      this.pause,
      this.counts,
      this.search,
    );
    document.addEventListener("click", (event) => event.composedPath().includes(this.venues) || this.venues.removeAttribute("open"));
    this.draw();
  }

  takeSize(field) {
    this.view.size = amount(field.value) ?? this.view.size;
    field.value = f.usd(this.view.size) === `$${this.view.size}` ? `$${this.view.size}` : `$${f.fixed(this.view.size, 0)}`;
  }

  searchKey(event) {
    if (event.key === "Escape") {
      this.search.value = this.view.q = "";
      this.onChange();
      this.search.blur();
    } else if (event.key === "Enter") {
      this.search.blur();
      this.page.spreads.move(0);
    }
  }

  draw() {
    const { view, page } = this;
    text(this.labels.size, t("my.size"));
    text(this.labels.kind, t("market"));
    if (document.activeElement !== this.size) this.size.value = `$${f.fixed(view.size, 0)}`;
    if (this.search.value.toUpperCase() !== view.q) this.search.value = view.q;
    this.search.placeholder = t("search");
    this.search.setAttribute("aria-label", t("search"));
    replace(this.kind, KINDS.map((kind) => h("option", { value: kind }, kind ? word("kind", kind) : t("all"))));
    this.kind.value = view.kind;
    this.hide.checked = view.hide;
    text(this.pause, t(page.paused ? "resume" : "pause"));
    this.pause.setAttribute("aria-pressed", String(page.paused));
    this.pause.title = t("pause.tip");
    text(this.fees, `${t("fees")} ${page.feesLabel()} ✎`);
    this.fees.title = t("fees.tip");
    this.drawVenues();
  }

  drawVenues() {
    const names = this.page.health.venues.map((one) => one.id);
    const { venues } = this.view;
    const chosen = names.filter((name) => !venues || venues.has(name)).length;
    text(this.venuesSummary, `${t("venues")} ${chosen === names.length ? chosen : `${chosen}/${names.length}`} ▾`);
    const key = `${names.join()}|${venues ? [...venues].join() : "-"}|${t("venues")}`;
    if (key === this.venuesKey) return;
    this.venuesKey = key;
    const focused = document.activeElement?.dataset?.venue;
    replace(
      this.venuesList,
      h("div", { class: "menu-head" }, this.every("venues.all", null), this.every("venues.none", new Set())),
      names.map((name) => {
        const box = h("input", { type: "checkbox", data: { venue: name }, checked: !venues || venues.has(name), on: { change: () => this.toggle(name, names) } });
        return h("label", null, box, this.page.health.venue(name).label);
      }),
    );
    if (focused) $(`[data-venue="${CSS.escape(focused)}"]`, this.venuesList)?.focus();
  }

  every(label, venues) {
    const pick = () => {
      this.view.venues = venues;
      this.onChange();
    };
    return h("button", { type: "button", class: "link", data: { venue: label }, text: t(label), on: { click: pick } });
  }

  toggle(name, names) {
    const next = new Set(this.view.venues ?? names);
    if (!next.delete(name)) next.add(name);
    this.view.venues = next.size === names.length ? null : next;
    this.onChange();
  }

  /** Figures that move with the market. */
  count(hidden, board) {
    text(this.hideText, t("hide", { n: f.count(hidden) }));
    text(this.counts, board.ready ? t("coins", { n: f.count(board.entries.size) }) : "");
    this.drawVenues();
  }
}
