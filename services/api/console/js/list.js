// A list that shows only what is in view: fixed row height, a pool of recycled rows, as smooth with 8,000 rows as with 8.

import { h } from "./dom.js";

const OVERSCAN = 6;

/** `make()` builds one recycled row ({el, …}); `fill(slot, item, index, fresh)` shows an item in it. */
export class WindowedList {
  constructor(scroller, { make, fill, rowHeight }) {
    Object.assign(this, { scroller, make, fill, rowHeight });
    this.items = [];
    this.slots = [];
    this.low = null;
    this.body = h("div", { class: "rows", role: "rowgroup" });
    this.scroller.append(this.body);
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.scroller);
  }

  /** The layout has changed: other rows, another height. */
  rebuild({ make, fill, rowHeight }) {
    Object.assign(this, { make, fill, rowHeight });
    for (const slot of this.slots) slot.el.remove();
    this.slots = [];
    this.setItems(this.items, this.low);
  }

  /** `low`: {index, height} of the one row that is lower than the others, if there is one. */
  setItems(items, low = null) {
    this.items = items;
    if (this.low?.index !== low?.index) for (const slot of this.slots) slot.index = null;
    this.low = low;
    const height = `${this.top(items.length)}px`;
    if (this.body.style.height !== height) this.body.style.height = height;
    this.draw();
  }

  top(index) {
    const saved = this.low && index > this.low.index ? this.rowHeight - this.low.height : 0;
    return index * this.rowHeight - saved;
  }

  /** Height that the sticky head takes from the view. */
  get headHeight() {
    return this.body.offsetTop;
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - OVERSCAN);
    const inView = Math.ceil(clientHeight / this.rowHeight) + 2 * OVERSCAN;
    const last = Math.min(this.items.length, first + inView);
    while (this.slots.length < inView) this.addSlot();
    const size = this.slots.length;
    const used = new Set();
    for (let index = first; index < last; index += 1) {
      const slot = this.slots[index % size];
      used.add(slot);
      const item = this.items[index];
      const fresh = slot.index !== index || slot.item !== item;
      if (slot.index !== index) {
        slot.index = index;
        slot.el.style.transform = `translateY(${this.top(index)}px)`;
        slot.el.style.height = `${index === this.low?.index ? this.low.height : this.rowHeight}px`;
        slot.el.setAttribute("aria-rowindex", String(index + 2));
      }
      if (slot.hidden) slot.el.hidden = slot.hidden = false;
      slot.item = item;
      this.fill(slot, item, index, fresh);
    }
    for (const slot of this.slots) {
      if (!used.has(slot) && !slot.hidden) {
        slot.el.hidden = slot.hidden = true;
        slot.index = slot.item = slot.id = null;
        slot.el.removeAttribute("id");
        delete slot.el.dataset.id;
      }
    }
  }

  addSlot() {
    const slot = this.make();
    slot.index = slot.item = null;
    slot.el.hidden = slot.hidden = true;
    this.slots.push(slot);
    this.body.append(slot.el);
    // The modulus has changed: every row finds its place anew.
    for (const other of this.slots) other.index = null;
  }

  reveal(index) {
    const top = this.top(index);
    const { scrollTop, clientHeight } = this.scroller;
    const room = clientHeight - this.headHeight - this.rowHeight;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top > scrollTop + room) this.scroller.scrollTop = top - room;
  }

  slotOf(item) {
    return this.slots.find((slot) => slot.item === item && !slot.hidden);
  }
}
