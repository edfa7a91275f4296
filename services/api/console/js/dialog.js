// A dialog, one at a time: its head with a way out, its body. And a button that asks before it acts.

import { $, h, replace } from "./dom.js";
import { t } from "./i18n.js";

/** `held` may keep it open once: whoever closes a form with something typed in is told before it is lost. */
export function dialog(title, body, { held, wide } = {}) {
  const close = h("button", { type: "button", class: "icon close", text: "✕", title: t("close"), "aria-label": t("close") });
  const box = h("dialog", { "aria-label": title, class: wide ? "wide" : null }, h("div", { class: "i-head" }, h("h2", { text: title }), close), body);
  const leave = () => held?.() || box.close();
  close.addEventListener("click", leave);
  // pressed and let go outside: a selection that ends there is no wish to leave
  let outside = false;
  box.addEventListener("pointerdown", (event) => (outside = event.target === box));
  box.addEventListener("click", (event) => outside && event.target === box && leave());
  box.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  box.addEventListener("close", () => box.remove());
  replace($("#layer"), box);
  box.showModal();
  return box;
}

/** A button that acts when it is pressed again: the first time it asks. */
export function twice(label, question, act, props = {}) {
  const button = h("button", { type: "button", class: "button", ...props, text: label });
  const arm = (asking) => {
    button.dataset.armed = asking ? "yes" : "";
    button.textContent = asking ? question : label;
  };
  button.addEventListener("click", () => (button.dataset.armed ? act() : arm(true)));
  button.addEventListener("blur", () => arm(false));
  return button;
}
