// A grid of any length of which only what can be seen exists.
import { el } from "../dom.js";

const GAP = 14;
const BEYOND = 2; // rows kept ready above and below

/** `draw(index, node)` fills a cell; `seen(first, last)` tells what is visible. */
export class Grid {
  constructor({ label, least, caption, draw, seen }) {
    Object.assign(this, { least, caption, draw, seen, count: 0, active: 0, cells: new Map(), columns: 1 });
    this.node = el("ul.grid", { label, id: "library-grid" });
    this.stop = new AbortController();
    const soon = () => { this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.paint(); }); };
    addEventListener("scroll", soon, { passive: true, signal: this.stop.signal });
    this.sized = new ResizeObserver(() => { this.measure(); soon(); });
    this.sized.observe(this.node);
    this.node.addEventListener("keydown", (event) => this.move(event));
    this.node.addEventListener("focusin", (event) => { this.activate(Number(event.target.closest("[data-index]")?.dataset.index)); });
  }

  show(count) {
    this.count = count;
    this.active = 0;
    for (const cell of this.cells.values()) cell.remove();
    this.cells.clear();
    this.measure();
    this.paint();
  }

  measure() {
    const width = this.node.clientWidth;
    this.columns = Math.max(1, Math.floor((width + GAP) / (this.least + GAP)));
    this.width = (width - GAP * (this.columns - 1)) / this.columns;
    this.row = this.width * 0.75 + this.caption + GAP;
    this.node.style.height = `${Math.ceil(this.count / this.columns) * this.row}px`;
    for (const [index, cell] of this.cells) this.place(index, cell);
  }

  place(index, cell) {
    cell.style.width = `${this.width}px`;
    cell.style.transform = `translate(${(index % this.columns) * (this.width + GAP)}px, ${Math.floor(index / this.columns) * this.row}px)`;
  }

  paint() {
    if (!this.node.isConnected || !this.row) return;
    const top = this.node.getBoundingClientRect().top;
    const first = Math.max(0, (Math.floor(-top / this.row) - BEYOND) * this.columns);
    const last = Math.min(this.count, (Math.ceil((innerHeight - top) / this.row) + BEYOND) * this.columns);
    for (const [index, cell] of this.cells) {
      if ((index < first || index >= last) && !cell.contains(document.activeElement)) { cell.remove(); this.cells.delete(index); }
    }
    for (let index = first; index < last; index += 1) if (!this.cells.has(index)) this.cell(index);
    this.seen(first, last);
  }

  cell(index) {
    const cell = el("li", { data: { index }, "aria-setsize": this.count, "aria-posinset": index + 1 });
    this.cells.set(index, cell);
    this.place(index, cell);
    this.fill(index);
    const after = [...this.node.children].find((other) => Number(other.dataset.index) > index);
    this.node.insertBefore(cell, after ?? null);
    return cell;
  }

  /** Draws again what is shown of these. */
  fill(index) {
    const cell = this.cells.get(index);
    if (!cell) return;
    const held = cell.contains(document.activeElement);
    cell.replaceChildren();
    this.draw(index, cell);
    const button = cell.querySelector("button");
    if (button) button.tabIndex = index === this.active ? 0 : -1;
    if (held) button?.focus({ preventScroll: true });
  }

  activate(index) {
    if (!Number.isInteger(index) || index === this.active) return;
    for (const [at, tab] of [[this.active, -1], [index, 0]]) {
      const button = this.cells.get(at)?.querySelector("button");
      if (button) button.tabIndex = tab;
    }
    this.active = index;
  }

  move(event) {
    const page = this.columns * Math.max(1, Math.floor(innerHeight / this.row) - 1);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, PageUp: -page, PageDown: page }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? this.count - 1 : by === undefined ? null : this.active + by;
    if (to === null) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.count - 1, to)));
  }

  focus(index) {
    const top = this.node.getBoundingClientRect().top + Math.floor(index / this.columns) * this.row;
    if (top < 90) scrollBy(0, top - 90);
    else if (top + this.row > innerHeight) scrollBy(0, top + this.row - innerHeight + 10);
    this.paint();
    this.activate(index);
    this.cells.get(index)?.querySelector("button")?.focus({ preventScroll: true });
  }

  leave() { this.stop.abort(); this.sized.disconnect(); }
}
