// Bands that join where a segment is in the one video with where it is in the other.
import { el } from "../dom.js";
import { listed, named, t } from "../language.js";
import { moment, said } from "./segments.js";

const [WIDTH, HEIGHT] = [1000, 90];
const LEAST = 6; // of a band's width, so that it can be seen and clicked

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** {node, choose(at)}; `lengths`: seconds of both, of a still null. `onchoose(at)`: of a segment, by mouse or keyboard.
    `placed`: the words for where it is in both. */
export function timeline(segments, lengths, onchoose, placed) {
  const bands = segments.map((segment, at) => {
    const words = listed([said(segment, placed), named("relation", segment.relation)]);
    const band = svg("g", { class: "band", role: "button", tabindex: 0, "aria-label": words, "aria-pressed": "false" },
      svg("title", {}, words), svg("polygon", { points: outline(segment, lengths).join(" ") }), ...mark(segment, lengths));
    band.addEventListener("click", () => onchoose(at));
    band.addEventListener("keydown", (event) => { if (["Enter", " "].includes(event.key)) { event.preventDefault(); onchoose(at); } });
    return band;
  });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" }, ...bands);
  return {
    node: el("div.timeline", { role: "group", label: t("videos.timeline") }, drawing),
    choose(chosen) { bands.forEach((band, at) => band.setAttribute("aria-pressed", String(at === chosen))); },
  };
}

function outline(segment, [a, b]) {
  const [left, right] = ends(segment.a_start, segment.a_end, a);
  const [from, to] = ends(segment.b_start, segment.b_end, b);
  return [[left, 0], [right, 0], [to, HEIGHT], [from, HEIGHT]];
}

/** Across the timeline; a still is in the middle. */
function ends(start, end, length) {
  const [from, to] = length ? [WIDTH * start / length, WIDTH * end / length] : [WIDTH / 2, WIDTH / 2];
  const more = Math.max(0, LEAST - (to - from)) / 2;
  return [from - more, to + more];
}

/** The moment of a still. */
function mark(segment, [, length]) {
  const x = WIDTH * moment(segment) / length;
  return Number.isFinite(x) ? [svg("line", { x1: WIDTH / 2, y1: 0, x2: x, y2: HEIGHT, "vector-effect": "non-scaling-stroke" })] : [];
}
