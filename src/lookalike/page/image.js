// How an image is shown: its thumbnail with a box, its relation, its facts.
import { thumbnail } from "./api.js";
import { el, icon } from "./dom.js";
import { bytes, clock, distance, listed, named, percent, t } from "./language.js";
import { nameOf } from "./subject.js";

export const hollow = () => el("span.none", icon("image"), el("span", t("no-preview")));

/** An <img>, or a neat sign that there is nothing to see. */
export function img(source, alt, props = {}) {
  const node = el("img", { src: source, alt, decoding: "async", ...props });
  node.addEventListener("error", () => { node.dataset.missing = ""; node.replaceWith(hollow()); }, { once: true });
  return node;
}

/** Of a video its filmstrip, which is wider. */
export const thumb = (image, side, props = {}) =>
  img(thumbnail(image.id, image.codec ? 2 * side : side), props.alt ?? nameOf(image), { loading: "lazy", ...(image.codec && { class: "strip" }), ...props });

/** How long a video takes. */
export const length = (image) => image.codec && el("span.length", { title: t("duration") }, el("span.unseen", `${t("duration")} `), clock(image.duration ?? 0));

/** A box in pixels of an image, laid over it. */
export function outline(box, width, height, kind = "") {
  const share = (part, whole) => `${(100 * part / whole).toFixed(3)}%`;
  const node = el("b", { class: `box ${kind}`, "aria-hidden": "true" });
  Object.assign(node.style, {
    left: share(box.x, width), top: share(box.y, height), width: share(box.width, width), height: share(box.height, height),
  });
  return node;
}

export const FRAMES = 4; // of a filmstrip

/** An image on its mat, whole, with boxes at their places; a video as its filmstrip. */
export function mat(image, node, boxes = []) {
  const frame = el("span.frame", { vars: { "--ratio": `${(image.width || 4) * (image.codec ? FRAMES : 1)} / ${image.height || 3}` } }, node,
    !image.codec && boxes.map((box) => outline(box, image.width, image.height)));
  return el("span.mat", frame, length(image));
}

/** The relation in a word or two; of a part, which of the two lies in the other. */
export const relation = (result) =>
  (result.relation === "crop" && result.box_in ? t(`part-in.${result.box_in}`) : named("relation", result.relation));

export const chip = (result) =>
  el("span", { class: `badge r-${result.relation.replace(" ", "-")}`, data: { relation: result.relation } }, relation(result));

/** The relation and how likely it is a copy; of identical files there is no doubt to tell. */
export const verdict = (result) => el("p.verdict", chip(result), result.relation !== "identical"
  && el("span.sure", { title: t("probability") }, t("likely", { share: percent(result.probability, result.relation) })));

export const size = (image) => `${image.width} × ${image.height}`;

export function facts(image) {
  return el("p.data", [
    image.distance !== undefined && el("span", { title: t("distance") }, `${t("distance-short")} ${distance(image.distance)}`),
    image.width > 0 && el("span", size(image)),
    image.bytes > 0 && el("span", bytes(image.bytes)),
    image.format && el("span", image.format),
    image.codec && el("span", image.codec),
  ]);
}

export const name = (image) => el("p.name", { title: image.path ?? nameOf(image) }, el("bdi", nameOf(image)));

/** What was done to it, beyond what the relation says already. */
export const edits = (result) => result.edits.filter((edit) => edit !== result.relation && !(edit === "cropped" && result.relation === "crop"))
  .map((edit) => named("edit", edit));

/** What was detected in it, counted. */
export const objects = (image) => listed(Object.entries(image.objects).filter(([, n]) => n).map(([name, n]) =>
  name === "objects" ? t("objects-all", { n }) : n > 1 ? `${n} ${name}` : name));

/** A share 0..1 as a bar. */
export const bar = (share, kind = "") =>
  el("span", { class: `bar ${kind}`, "aria-hidden": "true" }, el("i", { vars: { "--share": `${100 * Math.max(0, Math.min(1, share))}%` } }));

/** A value to one side or the other of nothing, as a bar from the middle. */
export const signedBar = (value, most) => bar(Math.abs(value) / most / 2 || 0, value < 0 ? "two minus" : "two");
