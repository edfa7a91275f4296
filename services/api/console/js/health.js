// Health: what is wrong, every exchange with its connections, every service, in one glance.

import { Alerts } from "./alerts.js";
import * as f from "./format.js";
import { h, replace, text } from "./dom.js";
import { language, t, word } from "./i18n.js";
import { marketName } from "./names.js";

const AGAIN_MS = 5_000;

const VENUE_COLUMNS = [
  ["h.venue", (one) => h("b", { text: one.label })],
  ["h.state", (one) => stateChip(one)],
  ["h.rate", (one) => f.rate(one.sum("frames_per_s")), "n"],
  ["h.p50", (one) => f.latency(one.most("lag_ms_p50")), "n"],
  ["h.p99", (one) => f.latency(one.most("lag_ms_p99")), "n"],
  ["h.age", (one) => f.latency(one.least("last_frame_age_ms")), "n", (one) => one.least("last_frame_age_ms") > 3_000],
  ["h.connections", (one) => f.count(one.sum("connections")), "n"],
  ["h.subscribed", (one) => f.count(one.sum("subscribed")), "n"],
  ["h.markets", (one) => `${f.count(one.spot)} / ${f.count(one.perp)}`, "n"],
  ["h.quarantined", (one) => h("span", { text: f.count(one.quarantined), title: withheld(one) }), "n"],
  ["h.reconnects", (one) => f.count(one.sum("reconnects_total")), "n", (one) => one.sum("reconnects_total") > 0],
  ["h.gaps", (one) => f.count(one.sum("gaps_total")), "n", (one) => one.sum("gaps_total") > 0],
  ["h.drops", (one) => f.count(one.sum("dropped_total")), "n", (one) => one.sum("dropped_total") > 0],
  ["h.unknown", (one) => h("span", { text: f.count(one.sum("unknown_total")), title: reasons(one) }), "n"],
];

/** What was not understood, by reason. */
function reasons(venue) {
  const all = {};
  for (const member of venue.members) {
    for (const [reason, n] of Object.entries(member.unknown_by_reason ?? {})) all[reason] = (all[reason] ?? 0) + n;
  }
  return Object.entries(all)
    .map(([reason, n]) => `${reason}: ${f.count(n)}`)
    .join("\n");
}

/** Which markets are not used, and why. */
function withheld(venue) {
  return venue.quarantine.map((one) => `${one.symbol} (${marketName(one.market, one.unified_symbol)}): ${one.reason}`).join("\n");
}

const SERVICE_COLUMNS = [
  ["h.service", (one) => h("b", { text: word("service", one.name) })],
  ["h.state", (one) => stateChip(one)],
  ["h.up", (one, now) => f.span(now - one.started_ms), "n"],
  ["h.memory", (one) => f.bytes(one.rss_bytes), "n"],
  ["h.cpu", (one) => (one.cpu_seconds == null ? f.NONE : `${f.fixed(one.cpu_seconds, 0)} s`), "n"],
  ["h.lag", (one) => f.latency(one.lag_ms), "n", (one) => one.lag_ms > 2_000],
  ["h.events", (one) => f.count(one.events_total), "n"],
  ["h.drops", (one) => f.count(one.dropped_total), "n", (one) => one.dropped_total > 0],
];

export const TONES = { live: "good", starting: "wait", degraded: "warn", blocked: "bad", refused: "bad", down: "bad" };
const MARKS = { good: "●", wait: "◌", warn: "▲", bad: "✗" };

function stateChip(one) {
  const tone = TONES[one.state] ?? "warn";
  return h("span", { class: `chip ${tone}`, title: one.detail || word("state.long", one.state) }, h("i", { text: `${MARKS[tone]} ` }), word("state", one.state));
}

function table(columns, rows, now, extra) {
  const head = h("tr", null, columns.map(([key, , kind]) => h("th", { class: kind ?? "", scope: "col", text: t(key), title: t(`${key}.tip`) })));
  const body = rows.flatMap((one) => [
    h("tr", null, columns.map(([, show, kind, alarm]) => h("td", { class: `${kind ?? ""} ${alarm?.(one) ? "alarm" : ""}` }, show(one, now)))),
    extra?.(one),
  ]);
  return h("table", { class: "grid" }, h("thead", null, head), h("tbody", null, body.filter(Boolean)));
}

function detailRow(one) {
  if (!one.detail) return null;
  return h("tr", { class: "detail" }, h("td", { colspan: VENUE_COLUMNS.length }, one.detail));
}

function connectionTable(venue, now) {
  const all = venue.members.flatMap((member) => (member.connection_list ?? []).map((each) => ({ ...each, member: member.member })));
  const columns = [
    ["h.endpoint", (one) => `${one.endpoint} ${one.position}`],
    ["h.topics", (one) => f.count(one.topics), "n"],
    ["h.live", (one) => f.count(one.live), "n", (one) => one.live < one.topics],
    ["h.frames", (one) => f.count(one.frames), "n"],
    ["h.age", (one) => f.latency(one.age_ms), "n", (one) => one.age_ms > 30_000],
    ["h.open", (one) => f.span(now - one.opened_ms), "n"],
  ];
  return all.length ? table(columns, all, now) : h("p", { class: "dim small", text: t("h.none") });
}

export class HealthView {
  constructor(page) {
    this.page = page;
    this.tabs = h("div", { class: "segments", role: "tablist" });
    this.summary = h("p", { class: "summary" });
    this.venues = h("div");
    this.details = h("div");
    this.services = h("div");
    this.alerts = new Alerts();
    this.titles = ["h.exchanges", "h.services"].map((key) => [key, h("h2")]);
    this.empty = h("div", { class: "empty" });
    this.rules = null;
    this.rulesEl = h("div", { class: "part" });
    this.status = h("div", { class: "scroll" }, this.alerts.el, this.titles[0][1], this.venues, this.empty, this.details, this.titles[1][1], this.services);
    this.el = h("section", { class: "page" }, h("div", { class: "page-head" }, this.tabs, this.summary), this.status, this.rulesEl);
  }

  /** Which part is shown: how things are, or the rules of the alerts. */
  chrome() {
    const { part } = this.page.view;
    this.status.hidden = part === "rules";
    this.rulesEl.hidden = part !== "rules";
    const key = part + language();
    if (this.tabbed === key) return;
    this.tabbed = key;
    const tab = (name, label) =>
      h("button", { type: "button", role: "tab", class: "segment", "aria-selected": String(part === name), data: { part: name }, on: { click: () => this.page.go("health", true, name) } }, t(label));
    const held = this.tabs.contains(document.activeElement);
    replace(this.tabs, tab("", "h.part.status"), tab("rules", "h.part.rules"));
    if (held) this.tabs.querySelector("[aria-selected=true]").focus();
  }

  /** The editor comes when it is first asked for: it is no part of what a page needs to start. */
  drawRules() {
    if (!this.rules) {
      this.loading ??= import("./rules.js").then(
        ({ Rules }) => {
          this.rules = new Rules(this.page, this.alerts);
          replace(this.rulesEl, this.rules.el);
        },
        () => setTimeout(() => (this.loading = null), AGAIN_MS),
      );
      return text(this.summary, t("loading"));
    }
    this.rules.draw();
    return text(this.summary, this.rules.summary);
  }

  draw(health, now, force) {
    this.chrome();
    if (this.page.view.part === "rules") {
      this.drawRules();
      return;
    }
    this.alerts.draw(now, force);
    if (!health.changed && !force) return;
    health.changed = false;
    for (const [key, title] of this.titles) text(title, t(key));
    const venues = health.venues;
    const live = venues.filter((one) => one.state === "live").length;
    const rate = venues.reduce((all, one) => all + (one.sum("frames_per_s") ?? 0), 0);
    text(this.summary, t("h.summary", { live, n: venues.length, rate: f.rate(rate) }));
    this.empty.hidden = venues.length > 0;
    text(this.empty, health.ready ? t("h.nobody") : t("loading"));
    replace(this.venues, venues.length ? table(VENUE_COLUMNS, venues, now, detailRow) : []);
    this.drawDetails(venues, now);
    replace(this.services, health.services.length ? table(SERVICE_COLUMNS, health.services, now) : h("p", { class: "dim", text: t("h.noservices") }));
  }

  /** The connections of each exchange, folded away until asked for; stays as the user left it. */
  drawDetails(venues, now) {
    const blocks = venues.map((one) => {
      const held = this.details.querySelector(`[data-venue="${CSS.escape(one.id)}"]`);
      const block = held ?? h("details", { data: { venue: one.id } }, h("summary"), h("div"));
      text(block.firstChild, t("h.connections.of", { venue: one.label }));
      if (block.open) replace(block.lastChild, connectionTable(one, now));
      if (!held) block.addEventListener("toggle", () => block.open && replace(block.lastChild, connectionTable(one, now)));
      return block;
    });
    const same = blocks.length === this.details.childElementCount && blocks.every((block, i) => this.details.children[i] === block);
    if (!same) replace(this.details, blocks);
  }
}
