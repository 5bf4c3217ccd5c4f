// Elements from words, never from HTML: what comes from a file's name is text and stays text.

const NOTHING = [null, undefined, false];
const isProps = (value) => value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;

/**
 * el("p.soft", { id: "note" }, "text", …): an element. The properties may be left out; of them, `class`, `label` (aria-label), `act` and
 * `data` (dataset), `vars` (custom properties), `on…` (listeners), `value`; all others are attributes. What is null or false is not there.
 */
export function el(kind, ...rest) {
  const [tag, ...classes] = kind.split(".");
  const props = isProps(rest[0]) ? rest[0] : {};
  const children = isProps(rest[0]) ? rest.slice(1) : rest;
  const node = document.createElement(tag);
  if (tag === "button") node.type = "button";
  for (const [name, value] of Object.entries(props)) {
    if (NOTHING.includes(value)) continue;
    if (name === "class") classes.push(...value.split(" "));
    else if (name === "act") node.dataset.act = value;
    else if (name === "label") node.setAttribute("aria-label", value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "vars") for (const [key, to] of Object.entries(value)) node.style.setProperty(key, to);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.className = classes.filter(Boolean).join(" ");
  if (!node.className) node.removeAttribute("class");
  node.append(...children.flat(3).filter((child) => !NOTHING.includes(child)));
  return node;
}

export const one = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

const PATHS = {
  search: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M15.5 15.5 21 21",
  compare: "M4 5h7v14H4zM13 5h7v14h-7",
  duplicates: "M4 4h11v11H4zM9 15v5h11V9h-5",
  videos: "M3 5h18v14H3zM7 5v14M17 5v14M3 9h4M3 15h4M17 9h4M17 15h4",
  play: "M7 4l13 8-13 8z",
  pause: "M8 4v16M16 4v16",
  library: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  map: "M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14",
  people: "M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a4 4 0 0 1 0 7M17.5 14a6.5 6.5 0 0 1 4 6",
  shop: "M4 8h16l-1.5 12h-13zM8 8a4 4 0 0 1 8 0",
  good: "M7 11v9H4v-9zM7 12l4-8c1.6 0 2.4 1 2 3l-.6 3H18a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.8 20H7",
  bad: "M17 13V4h3v9zM17 12l-4 8c-1.6 0-2.4-1-2-3l.6-3H6a2 2 0 0 1-2-2.4l1.2-6A2 2 0 0 1 7.2 4H17",
  why: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v6M12 7.5v.01",
  close: "M5 5l14 14M19 5 5 19",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9",
  camera: "M4 7h4l2-3h4l2 3h4v12H4zM12 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7",
  file: "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4",
  part: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4",
  swap: "M4 8h15l-4-4M20 16H5l4 4",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
};

/** A small drawing beside words; of no meaning of its own. */
export function icon(name) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** `kind`: also its class. */
export const button = (text, props = {}, drawn = null, kind = "") => el(`button.button${kind}`, props, drawn && icon(drawn), text);
export const small = (text, props = {}, drawn = null) => button(text, props, drawn, ".small");
export const submit = (text, act) => el("button.button.small", { type: "submit", act }, text);

/** A button that shows its drawing alone and says its name. */
export const tool = (name, drawn, props = {}) =>
  el("button.tool", { label: name, title: name, ...props }, icon(drawn));

let count = 0;
/** A label and what it names. */
export function field(text, control, props = {}) {
  control.id ||= `field-${(count += 1)}`;
  return el("div.field", { ...props }, el("label", { for: control.id }, text), control);
}

/** A choice; `options`: [value, text]. */
export function select(options, value, onchange, props = {}) {
  const node = el("select", props, options.map(([key, text]) => el("option", { value: key }, text)));
  node.value = value;
  node.addEventListener("change", () => onchange(node.value));
  return node;
}

/** A modal dialog with a heading, opened at once and gone when closed. Gives {dialog, close}. */
export function dialog(title, closeWord, ...children) {
  const heading = el("h2", { id: `dialog-${(count += 1)}` }, title);
  const node = el("dialog", { "aria-labelledby": heading.id },
    el("header.dialog-top", heading, tool(closeWord, "close", { onclick: () => node.close(), act: "close" })),
    ...children);
  node.addEventListener("close", () => node.remove());
  node.addEventListener("click", (event) => { if (event.target === node) node.close(); });
  document.body.append(node);
  node.showModal();
  return node;
}

/** Whether a key is meant for a field that is being written in. */
export const writing = (event) => event.target.closest?.("input:not([type=checkbox], [type=range]), textarea, select, video") !== null
  || event.ctrlKey || event.metaKey || event.altKey;

/** What this browser remembers; a private or a full one nothing. */
export const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
export const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* so be it */ } };

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
