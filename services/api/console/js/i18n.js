// The language of the page: ?lang=, else what the user chose, else the deployment's UI_LANG, else the browser's.

import { WORDS } from "./words.js";
import { kept, keep } from "./prefs.js";

export const LANGUAGES = ["en", "zh"];
const asked = new URLSearchParams(location.search).get("lang");
const chosen = [asked, kept().lang].find((one) => LANGUAGES.includes(one));
const browser = navigator.languages?.[0]?.toLowerCase().startsWith("zh") ? "zh" : "en";

let lang = chosen ?? browser;
const listeners = [];

export const language = () => lang;

/** The word for a key in the present language; {name} is filled in. An unknown key shows itself. */
export function t(key, values = {}) {
  const found = WORDS[key];
  const text = found ? found[LANGUAGES.indexOf(lang)] : key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The word for one of a family (`why.stale`), or the bare value where there is none. */
export function word(family, value) {
  return WORDS[`${family}.${value}`] ? t(`${family}.${value}`) : String(value);
}

/** Words of a part of the page that comes later. */
export const learn = (words) => Object.assign(WORDS, words);

export function onLanguage(listener) {
  listeners.push(listener);
}

function apply() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
}

export function setLanguage(next, remember = true) {
  if (!LANGUAGES.includes(next)) return;
  lang = next;
  if (remember) keep({ lang });
  apply();
  for (const listener of listeners) listener();
}

/** The deployment's own wish counts where the user has none. */
export function deploymentLanguage(wish) {
  if (!chosen && LANGUAGES.includes(wish) && wish !== lang && kept().lang == null) setLanguage(wish, false);
}

apply();
