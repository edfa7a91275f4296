// What the user chose on this machine. The URL carries the view; this carries taste.

const KEY = "parallax";

export function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** Remember, where the browser lets us, and show at once what is seen on the root element. */
export function keep(changes) {
  const all = { ...kept(), ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // A browser that keeps nothing still shows the choice until the page is left.
  }
  const root = document.documentElement;
  if (changes.theme) root.dataset.theme = changes.theme;
  if (changes.palette) root.dataset.palette = changes.palette;
  if (changes.flash != null) root.dataset.flash = changes.flash ? "on" : "off";
}
