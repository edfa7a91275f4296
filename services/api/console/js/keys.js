// The keyboard: / search, j k rows, Enter inspect or unfold, g s, g h and g a places, . pause, ? help, Esc back.

import { typing } from "./dom.js";

const GO = { s: "signals", h: "health", p: "spreads" };
const CHORD_MS = 1_200;

export function bindKeys(page) {
  let chord = 0;
  const rows = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 20, PageUp: -20 };
  addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const { key } = event;
    const onRow = !event.target.closest?.("a, button, summary, tr[tabindex]");
    const taken = () => {
      if (performance.now() - chord < CHORD_MS) {
        chord = 0;
        if (GO[key]) return page.go(GO[key]) ?? true;
        if (key === "a") return page.rules() ?? true;
      }
      if (key === "g") return (chord = performance.now());
      if (key === ".") return page.pause() ?? true;
      if (key === "?") return page.openHelp() ?? true;
      if (page.view.place === "signals" && rows[key] && onRow) return page.signalsView.enter() ?? true;
      if (page.view.place !== "spreads") return false;
      if (key === "/") return page.spreads.search() ?? true;
      if (rows[key] && onRow) return page.spreads.move(rows[key]) ?? true;
      if (key === "Enter" && onRow) return page.spreads.enter() ?? true;
      if (key === "Escape") return page.spreads.escape() ?? true;
      return false;
    };
    if (taken()) event.preventDefault();
  });
}
