// The map: the library in two dimensions, those that are alike near one another.
import { aborted, get, thumbnail } from "./api.js";
import { button, el, field, select } from "./dom.js";
import { detail } from "./detail.js";
import { quoted } from "./filter.js";
import { named, number, percent, t } from "./language.js";
import { complain } from "./live.js";
import { again, go } from "./route.js";

const HUES = [155, 255, 35, 300, 85, 205, 345, 120]; // of the commonest labels
const PICTURES = 140; // thumbnails at once
const KEPT = 600; // thumbnails in memory
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
  const alternative = el("details.card", { id: "map-list" }, el("summary", t("map.list")), el("p.soft", { "aria-live": "polite" }), near);
  const zoom = (factor) => () => { scale(factor, canvas.clientWidth / 2, canvas.clientHeight / 2); };
  root.append(el("div.view-head", el("div", el("h1.view-title", t("view.map")), about),
    el("div.row", field(t("by"), by),
      button("+", { class: "square", label: t("map.in"), act: "zoom-in", onclick: zoom(1.5) }), button("−", { class: "square", label: t("map.out"), act: "zoom-out", onclick: zoom(1 / 1.5) }),
      button(t("map.whole"), { act: "whole", onclick: whole }))), legend,
  el("div.map-pane", canvas), el("p.soft", t("map.hint")), alternative);

  let points = { ids: [], x: [], y: [], colour: new Uint8Array() };
  let view = { x: 0, y: 0, zoom: 1 }; // of the middle, in -1..1; pixels to a unit
  let colours = [];
  let frame = 0;
  const images = new Map(); // id -> img, the longest unused first
  const stop = new AbortController();
  const listen = (name, act, options = {}) => canvas.addEventListener(name, act, { signal: stop.signal, ...options });

  async function update(params, signal) {
    const name = wholes.some((one) => one.name === params.get("by")) ? params.get("by") : usual;
    by.value = name;
    about.textContent = t("map.loading");
    try {
      const map = await get("/v1/map", { by: name }, signal);
      points = { ...map, colour: new Uint8Array(map.ids.length) };
      about.textContent = map.ids.length ? `${t("pictures", { n: map.ids.length })} · ${t("map.about", { share: percent(map.explained[0] + map.explained[1]) })}` : t("library.empty");
      whole();
      await paintLabels(signal);
    } catch (error) {
      if (aborted(error)) return;
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
      const { ids } = await get("/v1/ids", { where: `label = ${quoted(label)}` }, signal);
      for (const id of ids) if (place.has(id)) points.colour[place.get(id)] = at + 1;
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

  /** Indices of what lies within the view, the nearest to its middle first if there are few. */
  function visible() {
    const found = [];
    const [wide, high] = [(canvas.clientWidth / 2 + 30) / view.zoom, (canvas.clientHeight / 2 + 30) / view.zoom];
    const { ids, x, y } = points;
    for (let at = 0; at < ids.length; at += 1) if (Math.abs(x[at] - view.x) < wide && Math.abs(y[at] - view.y) < high) found.push(at);
    return found;
  }

  function draw() {
    if (!canvas.isConnected) return;
    const dots = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    Object.assign(canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
    const context = canvas.getContext("2d");
    context.scale(dots, dots);
    const seen = visible();
    const side = Math.min(112, 46 * Math.sqrt(view.zoom / Math.min(width, height)));
    if (seen.length <= PICTURES) thumbs(context, seen, side);
    else dotted(context, seen);
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

  function thumbs(context, seen, side) {
    for (const at of seen) {
      const [x, y, img] = [onX(points.x[at]), onY(points.y[at]), imageOf(points.ids[at])];
      const ready = img.complete && img.naturalWidth;
      const scale = ready ? side / Math.max(img.naturalWidth, img.naturalHeight) : 0;
      const [w, h] = ready ? [img.naturalWidth * scale, img.naturalHeight * scale] : [10, 10];
      context.fillStyle = colours[points.colour[at]];
      context.fillRect(x - w / 2 - 2, y - h / 2 - 2, w + 4, h + 4);
      if (ready) context.drawImage(img, x - w / 2, y - h / 2, w, h);
    }
  }

  function imageOf(id) {
    let img = images.get(id);
    images.delete(id);
    if (!img) {
      img = new Image();
      img.addEventListener("load", soon);
      img.src = thumbnail(id, 80);
    }
    images.set(id, img);
    if (images.size > KEPT) images.delete(images.keys().next().value);
    return img;
  }

  /** The middle, where Enter opens, while the keyboard is used. */
  function cross(context, width, height) {
    if (!canvas.matches(":focus-visible")) return;
    context.strokeStyle = colours[0];
    context.lineWidth = 2;
    context.strokeRect(width / 2 - 8, height / 2 - 8, 16, 16);
  }

  const squared = (at, x, y) => (onX(points.x[at]) - x) ** 2 + (onY(points.y[at]) - y) ** 2;
  function nearest(x, y, most) {
    let best = -1, least = most ** 2;
    for (const at of visible()) if (squared(at, x, y) < least) [best, least] = [at, squared(at, x, y)];
    return best;
  }

  function open(x, y, most) {
    const at = nearest(x, y, most);
    if (at >= 0) detail(points.ids[at], gallery, { ongone: again });
  }

  function enumerate(seen) {
    const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const close = seen.sort((a, b) => squared(a, x, y) - squared(b, x, y)).slice(0, LISTED);
    alternative.querySelector("p").textContent = t("map.seen", { n: seen.length, shown: number(close.length) });
    near.replaceChildren(...close.map((at) => el("li", el("button", { class: "shot", label: t("open", { name: `#${points.ids[at]}` }), data: { id: points.ids[at] }, onclick: () => detail(points.ids[at], gallery) },
      el("img", { src: thumbnail(points.ids[at], 80), alt: "", loading: "lazy" })))));
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

  return { update, leave() { stop.abort(); sized.disconnect(); } };
}
