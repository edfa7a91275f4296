// The dialogs: taste on this machine, the deployment's fees, and the list of keys.

import { writeConfig } from "./config.js";
import { dialog } from "./dialog.js";
import { $, h, replace } from "./dom.js";
import { language, setLanguage, t } from "./i18n.js";
import { kept, keep } from "./prefs.js";

function choice(label, options, value, onPick) {
  const select = h("select", { on: { change: (event) => onPick(event.target.value) } }, options.map(([name, shown]) => h("option", { value: name }, shown)));
  select.value = value;
  return h("label", { class: "setting" }, h("span", { text: label }), select);
}

export function openSettings(page, part) {
  const { theme, palette = "green", utc = true, flash = true } = kept();
  const taste = h(
    "div",
    { class: "settings" },
    choice(t("language"), [["en", "English"], ["zh", "中文"]], language(), (next) => {
      if (page.view.lang) page.view.lang = next;
      setLanguage(next);
      box.close();
      openSettings(page);
    }),
    choice(t("theme"), [["dark", t("theme.dark.name")], ["light", t("theme.light.name")]], theme ?? document.documentElement.dataset.theme, (next) => keep({ theme: next })),
    choice(t("palette"), ["green", "red", "blue"].map((name) => [name, t(`palette.${name}`)]), palette, (next) => keep({ palette: next })),
    choice(t("time"), [["utc", "UTC"], ["local", t("time.local")]], utc ? "utc" : "local", (next) => keep({ utc: next === "utc" })),
    choice(t("flash"), [["on", t("on")], ["off", t("off")]], flash ? "on" : "off", (next) => keep({ flash: next === "on" })),
  );
  const fees = h("div", { class: "fees" }, h("p", { class: "dim", text: t("loading") }));
  const about = page.about ? `Parallax ${page.about.version}${page.about.commit ? ` · ${page.about.commit.slice(0, 9)}` : ""}` : "Parallax";
  const rules = h("button", { type: "button", class: "link", text: t("h.part.rules"), on: { click: () => box.close() ?? page.rules() } });
  const links = h("p", { class: "dim small" }, about, " · ", h("a", { href: "/docs", text: t("api.docs") }), " · ", h("a", { href: "/simple", text: t("simple") }), " · ", rules);
  const box = dialog(t("settings"), h("div", null, taste, h("h3", { text: t("fees.title") }), h("p", { class: "dim small", text: t("fees.about") }), fees, links));
  fillFees(page, fees).then(() => part === "fees" && $("input", fees)?.focus());
}

const fields = ["spot", "perp"];

async function fillFees(page, into) {
  await page.loadConfig();
  const set = page.config?.settings?.fees?.value;
  if (!set) {
    replace(into, h("p", { class: "alarm", text: t("fees.away") }));
    return;
  }
  const note = h("p", { class: "small", role: "status" });
  const inputs = page.health.venues.map((venue) => ({
    venue,
    boxes: fields.map((market) => h("input", { class: "n", inputmode: "decimal", placeholder: t("fees.default"), value: set[venue.id]?.[market] ?? "", "aria-label": `${venue.label} ${t(market)}` })),
  }));
  const rows = inputs.map(({ venue, boxes }) => h("tr", null, h("th", { scope: "row", text: venue.label }), boxes.map((box) => h("td", null, box))));
  const head = h("tr", null, h("th"), fields.map((market) => h("th", { scope: "col", text: `${t(market)} bps` })));
  const save = h("button", { type: "submit", class: "button", text: t("save") });
  const form = h("form", null, h("table", { class: "grid" }, h("thead", null, head), h("tbody", null, rows)), save, note);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    saveFees(page, set, inputs, note);
  });
  const refused = (page.config.refused ?? []).map((one) => h("p", { class: "alarm small", text: t("config.refused", one) }));
  replace(into, ...refused, form);
}

async function saveFees(page, set, inputs, note) {
  const fees = { ...set };
  for (const { venue, boxes } of inputs) {
    const own = {};
    fields.forEach((market, i) => {
      const typed = boxes[i].value.trim().replace(",", ".").replace("−", "-");
      if (typed !== "") own[market] = Number(typed);
    });
    if (Object.values(own).some((value) => !Number.isFinite(value))) {
      note.textContent = t("fees.number", { venue: venue.label });
      return;
    }
    if (Object.keys(own).length) fees[venue.id] = own;
    else delete fees[venue.id];
  }
  const answer = await writeConfig({ fees }, page.config.version);
  note.textContent = answer.ok ? t("fees.saved") : (answer.error?.message ?? t("fees.away"));
  await page.loadConfig();
}

const KEYS = [
  ["/", "key.search"],
  ["j  k  ↓  ↑", "key.move"],
  ["Enter", "key.enter"],
  ["→  ←", "key.fold"],
  ["Esc", "key.escape"],
  ["g s", "key.signals"],
  ["g h", "key.health"],
  ["g a", "key.rules"],
  ["g p", "key.spreads"],
  [".", "key.pause"],
  ["?", "key.help"],
];

export function openHelp() {
  const keys = h("dl", { class: "keys" }, KEYS.flatMap(([key, label]) => [h("dt", null, key.split("  ").map((one) => h("kbd", { text: one }))), h("dd", { text: t(label) })]));
  const words = ["net", "gross", "fits", "alive", "carry", "age"].flatMap((name) => [h("dt", { text: t(`col.${name}`) }), h("dd", { text: t(`col.${name}.tip`) })]);
  dialog(t("help"), h("div", null, keys, h("h3", { text: t("help.words") }), h("dl", { class: "words" }, words)));
}
