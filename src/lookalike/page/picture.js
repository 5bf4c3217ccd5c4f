// How a picture is shown: its thumbnail with a box, its relation, its facts.
import { thumbnail } from "./api.js";
import { el, icon } from "./dom.js";
import { bytes, distance, named, percent, t } from "./language.js";
import { nameOf } from "./subject.js";

export const hollow = () => el("span.none", icon("picture"), el("span", t("no-preview")));

/** An image, or a neat sign that there is none. */
export function image(source, alt, props = {}) {
  const node = el("img", { src: source, alt, decoding: "async", ...props });
  node.addEventListener("error", () => { node.dataset.missing = ""; node.replaceWith(hollow()); }, { once: true });
  return node;
}

export const thumb = (picture, side, props = {}) =>
  image(thumbnail(picture.id, side), props.alt ?? nameOf(picture), { loading: "lazy", ...props });

/** A box in pixels of a picture, laid over it. */
export function outline(box, width, height, kind = "") {
  const share = (part, whole) => `${(100 * part / whole).toFixed(3)}%`;
  const node = el("b", { class: `box ${kind}`, "aria-hidden": "true" });
  Object.assign(node.style, {
    left: share(box.x, width), top: share(box.y, height), width: share(box.width, width), height: share(box.height, height),
  });
  return node;
}

/** A picture on its mat, whole, with boxes at their places. */
export function mat(picture, img, boxes = []) {
  const frame = el("span.frame", { vars: { "--ratio": `${picture.width || 4} / ${picture.height || 3}` } }, img,
    boxes.map((box) => outline(box, picture.width, picture.height)));
  return el("span.mat", frame);
}

export const chip = (relation) =>
  el("span", { class: `badge r-${relation.replace(" ", "-")}`, data: { relation } }, named("relation", relation));

export const verdict = (found) =>
  el("p.verdict", chip(found.relation), el("span.sure", { title: t("probability") }, percent(found.probability, found.relation)));

export const size = (picture) => `${picture.width} × ${picture.height}`;

export function facts(picture) {
  return el("p.data", [
    picture.distance !== undefined && el("span", { title: t("distance") }, `${t("distance-short")} ${distance(picture.distance)}`),
    picture.width > 0 && el("span", size(picture)),
    picture.bytes > 0 && el("span", bytes(picture.bytes)),
    picture.format && el("span", picture.format),
  ]);
}

export const name = (picture) => el("p.name", { title: picture.path ?? nameOf(picture) }, el("bdi", nameOf(picture)));

export const edits = (found) => found.edits.filter((edit) => edit !== found.relation).map((edit) => named("edit", edit));

/** A share 0..1 as a bar. */
export const bar = (share, kind = "") =>
  el("span", { class: `bar ${kind}`, "aria-hidden": "true" }, el("i", { vars: { "--share": `${100 * Math.max(0, Math.min(1, share))}%` } }));

/** A value that pulls to one side or the other, as a bar from the middle. */
export const pull = (value, most) => bar(Math.abs(value) / most / 2 || 0, value < 0 ? "two minus" : "two");
