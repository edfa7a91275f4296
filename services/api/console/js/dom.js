// Small helpers around the DOM. Text goes in as text: nothing from the network is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "text") element.textContent = value;
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child != null && child !== false));
  return element;
}

/** An element: h("button", {class: "icon", on: {click}}, "text", child). */
export const h = (tag, props, ...children) => build(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => build(document.createElementNS(SVG, tag), props, children);

/** Set text only where it differs: no layout work for what has not changed. */
export function text(node, value) {
  if (node.shown !== value) {
    node.shown = value;
    node.textContent = value;
  }
}

/** Set the class only where it differs. */
export function cls(node, value) {
  if (node.worn !== value) {
    node.worn = value;
    node.className = value;
  }
}

export function replace(node, ...children) {
  node.replaceChildren(...children.flat(3).filter((child) => child != null && child !== false));
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** Whether keys belong to a field just now. */
export const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
