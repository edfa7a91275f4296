// Designed emptiness: what the table says while it has nothing to show, and what the reader can do about it.

import { h } from "./dom.js";
import { t, word } from "./i18n.js";

/** null where there are rows; else {key, nodes}. */
export function emptiness(page, shown, hidden) {
  const { push, board, health, view } = page;
  if (shown) return null;
  const said = (key, title, ...rest) => ({ key, nodes: [h("h2", { text: title }), ...rest.map((one) => (typeof one === "string" ? h("p", { text: one }) : one))] });
  if (!push.state.everUp || !board.ready) return said("loading", t("loading"), t("loading.more"));
  const asked = view.kind || view.venues;
  if (board.entries.size || (asked && push.state.feed !== "warming")) {
    if (hidden && view.hide) return said(`flagged${hidden}${asked}`, t("empty.flagged", { n: hidden }), t("empty.flagged.more"), h("div", { class: "ways" }, show(page), asked && reset(page)));
    return said("filtered", t("empty.filtered"), t("empty.filtered.more"), reset(page));
  }
  const venues = health.venues;
  const live = venues.filter((one) => one.state === "live" || one.state === "degraded");
  if (venues.length && !live.length && venues.every((one) => one.state !== "starting")) {
    const list = h("ul", { class: "reasons" }, venues.map((one) => h("li", null, h("b", { text: one.label }), ` ${word("state", one.state)} `, h("span", { class: "dim", text: one.detail }))));
    const key = venues.map((one) => one.state + one.detail).join();
    return said(`unreachable${key}`, t("empty.unreachable"), list, t("empty.unreachable.more"), h("code", { text: "make demo" }));
  }
  if (!venues.length) return said("nobody", t("empty.nobody"), t("empty.nobody.more"));
  return said(`warming${live.length}`, t("empty.warming"), t("empty.warming.more", { n: live.length, venues: venues.map((one) => one.label).join(", ") }));
}

const reset = (page) =>
  h("button", { type: "button", class: "button", text: t("empty.reset"), on: { click: () => {
    Object.assign(page.view, { q: "", kind: "", venues: null });
    page.spreads.changed();
  } } });

const show = (page) =>
  h("button", { type: "button", class: "button", text: t("empty.show"), on: { click: () => {
    page.view.hide = false;
    page.spreads.changed();
  } } });
