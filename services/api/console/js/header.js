// The header: brand, places, live or demo and which exchanges, clock, language, theme, settings; tabs on a phone.

import * as f from "./format.js";
import { cls, h, replace, s, text } from "./dom.js";
import { language, setLanguage, t, word } from "./i18n.js";
import { kept, keep } from "./prefs.js";
import { TONES } from "./health.js";

const PLACES = ["spreads", "signals", "health"];
const ICONS = { spreads: "M4 17l5-6 4 4 7-9M4 21h16", signals: "M5 12h3l3-8 4 16 3-8h2", health: "M12 20s-8-5-8-11a4.5 4.5 0 0 1 8-2.6A4.5 4.5 0 0 1 20 9c0 6-8 11-8 11z" };

const icon = (path) => s("svg", { viewBox: "0 0 24 24", class: "icon-svg", "aria-hidden": "true" }, s("path", { d: path }));
const logo = () =>
  s("svg", { viewBox: "0 0 32 32", class: "logo", "aria-hidden": "true" }, s("path", { d: "M4 20 12 10l6 6 10-11", class: "l1" }), s("path", { d: "M4 27l8-8 6 5 10-9", class: "l2" }));

export class Header {
  constructor(page, root, tabs) {
    this.page = page;
    this.links = PLACES.map((place) => this.link(place, false));
    this.tabs = PLACES.map((place) => this.link(place, true));
    this.chip = h("button", { type: "button", class: "live", on: { click: () => page.go("health") } });
    this.clock = h("time", { class: "clock n" });
    this.lang = h("button", { type: "button", class: "icon lang", on: { click: () => this.toggleLanguage() } });
    this.theme = h("button", { type: "button", class: "icon", on: { click: () => this.toggleTheme() } });
    this.help = h("button", { type: "button", class: "icon wide-only", text: "?", on: { click: () => page.openHelp() } });
    this.settings = h("button", { type: "button", class: "icon", text: "⚙", on: { click: () => page.openSettings() } });
    this.nav = h("nav", { class: "places" }, this.links.map((one) => one.el));
    replace(root, h("a", { class: "brand", href: "/", on: { click: (event) => this.follow(event, "spreads") } }, logo(), h("span", { text: "PARALLAX" })), this.nav, h("div", { class: "gap" }), this.chip, this.clock, this.lang, this.theme, this.help, this.settings);
    replace(tabs, this.tabs.map((one) => one.el));
  }

  link(place, tab) {
    const label = h("span");
    const badge = h("span", { class: "badge", hidden: true });
    const href = { spreads: "/", signals: "/signals", health: "/status" }[place];
    const el = h("a", { href, class: tab ? "tab" : "place", on: { click: (event) => this.follow(event, place) } }, tab && icon(ICONS[place]), label, badge);
    return { el, place, label, badge };
  }

  follow(event, place) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.page.go(place);
  }

  toggleLanguage() {
    const next = language() === "zh" ? "en" : "zh";
    if (this.page.view.lang) this.page.view.lang = next;
    setLanguage(next);
  }

  toggleTheme() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    this.page.view.theme = null;
    keep({ theme: next });
    this.page.saved();
    this.draw();
  }

  draw() {
    const { view, signals } = this.page;
    const open = signals.groups.filter((one) => one.open).length;
    for (const { el, place, label, badge } of [...this.links, ...this.tabs]) {
      text(label, t(place));
      if (view.place === place) el.setAttribute("aria-current", "page");
      else el.removeAttribute("aria-current");
      const count = { signals: open, health: this.page.health.alerts }[place] ?? 0;
      badge.hidden = !count;
      text(badge, count ? String(count) : "");
      badge.title = place === "health" ? t("open.alerts", { n: count }) : t("open.signals", { n: open, m: signals.open.length });
    }
    this.nav.setAttribute("aria-label", t("places"));
    const dark = document.documentElement.dataset.theme === "dark";
    this.label(this.lang, language() === "zh" ? "EN" : "中文", t("language"));
    this.label(this.theme, dark ? "☾" : "☀", t(dark ? "theme.light" : "theme.dark"));
    this.label(this.help, "?", t("help"));
    this.label(this.settings, "⚙", t("settings"));
    this.drawChip();
    this.tick();
  }

  label(button, shown, title) {
    text(button, shown);
    button.title = title;
    button.setAttribute("aria-label", title);
  }

  /** Which venues are live, and in one phrase what is wrong with the first that is not. */
  drawChip() {
    const { push, health } = this.page;
    const venues = health.venues;
    const live = venues.filter((one) => one.state === "live").length;
    const worst = venues.find((one) => one.state !== "live");
    const { up, mode, feed } = push.state;
    const name = !up ? t("offline") : feed === "warming" ? t("warming") : feed === "stale" ? t("stale") : t(`mode.${mode ?? "live"}`);
    const tone = !up || feed === "stale" ? "bad" : worst ? TONES[worst.state] : "good";
    cls(this.chip, `live ${tone === "good" ? mode : tone}`);
    const about = worst && up ? h("span", { class: "wide-only" }, ` · ${worst.label} ${word("state", worst.state)} ⓘ`) : null;
    const key = `${name}${live}${venues.length}${worst?.id}${worst?.state}${up}`;
    if (this.chipKey !== key) {
      this.chipKey = key;
      replace(this.chip, h("i", { text: up ? "● " : "○ " }), name, venues.length ? ` ${live}/${venues.length}` : "", about);
    }
    this.chip.title = venues.map((one) => `${one.label}: ${word("state", one.state)}${one.detail ? ` · ${one.detail}` : ""}`).join("\n") || t("h.nobody");
  }

  tick() {
    const utc = kept().utc !== false;
    const now = this.page.now();
    text(this.clock, `${f.clock(now, utc)}${utc ? " UTC" : ""}`);
    this.clock.title = t("clock.tip", { offset: f.signed(this.page.push.offset / 1000, 1) });
  }
}
