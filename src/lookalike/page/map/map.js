// The map: the library in two dimensions, images that look alike near one another.
import * as api from "../api.js";
import { button, el, field, select } from "../dom.js";
import { quoted } from "../filter.js";
import { named, number, percent, t } from "../language.js";
import { complain } from "../live.js";
import { again, go } from "../route.js";
import { detail } from "../views.js";

const HUES = [155, 255, 35, 300, 85, 205, 345, 120]; // of the commonest labels
const FEW = 140; // so many are all shown as thumbnails; of more, some stand for their neighbours
const KEPT = 600; // thumbnails in memory
const REST = 120; // ms without a movement before thumbnails are asked for
const LISTED = 60;
const CLICK = 5; // pixels

export function mount(root, gallery) {
  const wholes = gallery.by.filter((one) => one.kind === "whole");
  const usual = wholes.some((one) => one.name === "content") ? "content" : wholes[0]?.name ?? "";
  const canvas = el("canvas", { tabindex: 0, id: "map", role: "application", label: t("map.canvas") });
  const about = el("p.lede", { id: "map-about" });
  const legend = el("ul.legend", { hidden: true });
  const by = select(wholes.map((one) => [one.name, named("by", one.name)]), usual, (name) => go("map", { by: name }), { data: { control: "by" } });
  const near = el("ul.samples");
  const hint = el("p.soft", { id: "map-hint" }, t("map.hint"));
  const alternative = el("details.card", { id: "map-list" }, el("summary", t("map.list")), el("p.soft", { "aria-live": "polite" }), near);
  const zoom = (factor) => () => { scale(factor, canvas.clientWidth / 2, canvas.clientHeight / 2); };
  root.append(el("div.view-head", el("div", el("h1.view-title", t("view.map")), about),
    el("div.row", field(t("map.by"), by),
      button("+", { class: "square", label: t("map.in"), act: "zoom-in", onclick: zoom(1.5) }), button("−", { class: "square", label: t("map.out"), act: "zoom-out", onclick: zoom(1 / 1.5) }),
      button(t("map.whole"), { act: "whole", onclick: whole }))), legend,
  el("div.map-pane", canvas), hint, alternative);

  let points = { ids: [], x: [], y: [], colour: new Uint8Array() };
  let view = { x: 0, y: 0, zoom: 1 }; // of the middle, in -1..1; pixels to a unit
  let colours = [];
  let frame = 0, resting = 0;
  let front = []; // indices of those that are drawn as thumbnails
  const images = new Map(); // id -> img, the longest unused first
  const standing = new Map(); // level -> indices of those that stand for their neighbours
  const stop = new AbortController();
  const listen = (name, act, options = {}) => canvas.addEventListener(name, act, { signal: stop.signal, ...options });

  async function update(params, signal) {
    const name = wholes.some((one) => one.name === params.get("by")) ? params.get("by") : usual;
    by.value = name;
    about.textContent = t("map.loading");
    try {
      const { ids, x, y, explained } = await api.map(name, signal);
      points = { ids, x, y, colour: new Uint8Array(ids.length) };
      standing.clear();
      about.textContent = ids.length ? t("images", { n: ids.length }) : t("library.empty");
      hint.textContent = ids.length ? `${t("map.hint")} ${t("map.share", { share: percent(explained[0] + explained[1]) })}` : "";
      whole();
      await paintLabels(signal);
    } catch (error) {
      if (api.aborted(error)) return;
      about.textContent = error.message;
      complain(error);
    }
  }

  /** The commonest labels get a colour: who has them is asked once for each. */
  async function paintLabels(signal) {
    const counts = {};
    for (const source of Object.values(gallery.label_counts ?? {})) for (const [label, n] of Object.entries(source)) counts[label] = (counts[label] ?? 0) + n;
    const labels = Object.keys(counts).sort((a, b) => counts[b] - counts[a]).slice(0, HUES.length);
    const place = new Map(points.ids.map((id, at) => [id, at]));
    for (const [at, label] of labels.entries()) {
      for (const id of await api.allIds(`label = ${quoted(label)}`, signal)) if (place.has(id)) points.colour[place.get(id)] = at + 1;
    }
    legend.hidden = labels.length === 0;
    legend.replaceChildren(...labels.map((label, at) => el("li", el("i", { vars: { "--h": String(HUES[at]) } }), label)), labels.length ? el("li", el("i.other"), t("map.other")) : "");
    soon();
  }

  function whole() {
    view = { x: 0, y: 0, zoom: 0.46 * Math.min(canvas.clientWidth, canvas.clientHeight) };
    soon();
  }

  const soon = () => { frame ||= requestAnimationFrame(() => { frame = 0; draw(); }); };
  const onX = (x) => (x - view.x) * view.zoom + canvas.clientWidth / 2;
  const onY = (y) => (view.y - y) * view.zoom + canvas.clientHeight / 2;

  /** Whether a point can be seen, by its index. */
  function inView() {
    const [wide, high] = [(canvas.clientWidth / 2 + 30) / view.zoom, (canvas.clientHeight / 2 + 30) / view.zoom];
    const { x, y } = points;
    return (at) => Math.abs(x[at] - view.x) < wide && Math.abs(y[at] - view.y) < high;
  }

  function visible() {
    const found = [];
    const seen = inView();
    for (let at = 0; at < points.ids.length; at += 1) if (seen(at)) found.push(at);
    return found;
  }

  /** One point to each square of a grid, the same wherever the view is: the grid halves from level to level. */
  function standingAt(level) {
    if (!standing.has(level)) {
      const squares = new Map();
      const { ids, x, y } = points;
      for (let at = ids.length - 1; at >= 0; at -= 1) squares.set(Math.floor(x[at] * 2 ** level) * 2 ** 24 + Math.floor(y[at] * 2 ** level), at);
      standing.set(level, [...squares.values()]);
    }
    return standing.get(level);
  }

  function draw() {
    if (!canvas.isConnected) return;
    const dots = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    Object.assign(canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
    const context = canvas.getContext("2d");
    context.scale(dots, dots);
    const seen = visible();
    const few = seen.length <= FEW;
    const side = Math.min(112, (few ? 46 : 64) * Math.sqrt(view.zoom / Math.min(width, height)));
    front = few ? seen : standingAt(Math.round(Math.log2(view.zoom / side))).filter(inView());
    if (!few) dotted(context, seen);
    thumbs(context, front, side);
    cross(context, width, height);
    if (alternative.open) enumerate(seen);
  }

  function dotted(context, seen) {
    const radius = seen.length > 20000 ? 1.1 : seen.length > 3000 ? 1.8 : 3;
    const { x, y, colour } = points;
    const { zoom } = view;
    const [left, top] = [onX(0) - radius, onY(0) - radius];
    for (let one = 0; one <= HUES.length; one += 1) {
      context.fillStyle = colours[one];
      for (const at of seen) if (colour[at] === one) context.fillRect(left + x[at] * zoom, top - y[at] * zoom, 2 * radius, 2 * radius);
    }
  }

  /** What is not there yet is a small square, and asked for as soon as nothing moves. */
  function thumbs(context, shown, side) {
    const missing = [];
    for (const at of shown) {
      const [x, y, img] = [onX(points.x[at]), onY(points.y[at]), images.get(points.ids[at])];
      if (!img) missing.push(points.ids[at]);
      const ready = img?.complete && img.naturalWidth;
      const scale = ready ? side / Math.max(img.naturalWidth, img.naturalHeight) : 0;
      const [w, h] = ready ? [img.naturalWidth * scale, img.naturalHeight * scale] : [10, 10];
      context.fillStyle = colours[points.colour[at]];
      context.fillRect(x - w / 2 - 2, y - h / 2 - 2, w + 4, h + 4);
      if (ready) context.drawImage(img, x - w / 2, y - h / 2, w, h);
    }
    clearTimeout(resting);
    if (missing.length) resting = setTimeout(() => fetchAll(missing, shown), REST);
  }

  function fetchAll(missing, shown) {
    for (const at of shown) { // seen last, so kept longest
      const img = images.get(points.ids[at]);
      if (img) { images.delete(points.ids[at]); images.set(points.ids[at], img); }
    }
    for (const id of missing) {
      const img = new Image();
      img.addEventListener("load", soon);
      img.src = api.thumbnail(id, 80);
      images.set(id, img);
    }
    for (const id of images.keys()) { if (images.size <= KEPT) break; images.delete(id); }
  }

  /** The middle, where Enter opens, while the keyboard is used. */
  function cross(context, width, height) {
    if (!canvas.matches(":focus-visible")) return;
    context.strokeStyle = colours[0];
    context.lineWidth = 2;
    context.strokeRect(width / 2 - 8, height / 2 - 8, 16, 16);
  }

  const squared = (at, x, y) => (onX(points.x[at]) - x) ** 2 + (onY(points.y[at]) - y) ** 2;
  function nearest(x, y, most, among) {
    let best = -1, least = most ** 2;
    for (const at of among) if (squared(at, x, y) < least) [best, least] = [at, squared(at, x, y)];
    return best;
  }

  function open(x, y, most) {
    const thumbnail = nearest(x, y, 20, front);
    const at = thumbnail >= 0 ? thumbnail : nearest(x, y, most, visible());
    if (at >= 0) detail(points.ids[at], gallery, { ongone: again });
  }

  function enumerate(seen) {
    const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const close = seen.sort((a, b) => squared(a, x, y) - squared(b, x, y)).slice(0, LISTED);
    alternative.querySelector("p").textContent = t("map.seen", { n: seen.length, shown: number(close.length) });
    near.replaceChildren(...close.map((at) => el("li", el("button", { class: "shot", label: t("open", { name: `#${points.ids[at]}` }), data: { id: points.ids[at] }, onclick: () => detail(points.ids[at], gallery) },
      el("img", { src: api.thumbnail(points.ids[at], 80), alt: "", loading: "lazy" })))));
  }

  function scale(factor, x, y) {
    const before = [(x - canvas.clientWidth / 2) / view.zoom, (y - canvas.clientHeight / 2) / view.zoom];
    const least = 0.2 * Math.min(canvas.clientWidth, canvas.clientHeight);
    const to = Math.max(least, Math.min(least * 5e4, view.zoom * factor));
    view.x += before[0] * (1 - view.zoom / to);
    view.y -= before[1] * (1 - view.zoom / to);
    view.zoom = to;
    soon();
  }

  const pan = (x, y) => { view.x -= x / view.zoom; view.y += y / view.zoom; soon(); };

  const held = new Map(); // pointer -> where it is
  let moved = 0;
  const middle = () => { const all = [...held.values()]; return [all.reduce((sum, one) => sum + one.x, 0) / all.length, all.reduce((sum, one) => sum + one.y, 0) / all.length]; };
  const spread = () => { const [a, b] = held.values(); return Math.hypot(a.x - b.x, a.y - b.y); };
  const at = (event) => ({ x: event.offsetX, y: event.offsetY });
  listen("pointerdown", (event) => { if (event.button) return; if (!held.size) moved = 0; held.set(event.pointerId, at(event)); canvas.setPointerCapture(event.pointerId); });
  listen("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const [x, y] = middle();
    const wide = held.size === 2 ? spread() : 0;
    held.set(event.pointerId, at(event));
    const [newX, newY] = middle();
    moved += Math.hypot(newX - x, newY - y);
    if (moved > CLICK || held.size > 1) pan(newX - x, newY - y);
    if (wide) { moved += CLICK; scale(spread() / wide, newX, newY); }
  });
  listen("pointerup", (event) => { if (held.delete(event.pointerId) && !held.size && moved <= CLICK) open(event.offsetX, event.offsetY, 40); });
  listen("pointercancel", (event) => held.delete(event.pointerId));
  listen("wheel", (event) => { event.preventDefault(); scale(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), event.offsetX, event.offsetY); }, { passive: false });
  listen("keydown", (event) => {
    const does = {
      ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60), "+": zoom(1.4), "=": zoom(1.4), "-": zoom(1 / 1.4), 0: whole,
      Enter: () => open(canvas.clientWidth / 2, canvas.clientHeight / 2, Infinity),
    }[event.key];
    if (does) { event.preventDefault(); does(); }
  });
  listen("focus", soon);
  listen("blur", soon);
  alternative.addEventListener("toggle", soon);

  /** Canvas colours cannot follow the theme by themselves. */
  const themed = () => {
    const shade = (props) => {
      const probe = el("i", props);
      legend.after(probe);
      const colour = getComputedStyle(probe).backgroundColor;
      probe.remove();
      return colour;
    };
    colours = [shade({ class: "dot other" }), ...HUES.map((hue) => shade({ class: "dot", vars: { "--h": String(hue) } }))];
    soon();
  };
  document.addEventListener("theme", themed, { signal: stop.signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed, { signal: stop.signal });
  const sized = new ResizeObserver(() => soon());
  sized.observe(canvas);
  themed();

  return { update, leave() { stop.abort(); sized.disconnect(); clearTimeout(resting); } };
}
