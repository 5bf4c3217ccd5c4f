// How a video is shown: played, or as its filmstrip where the browser cannot.
import { fileOf } from "./api.js";
import { el, one } from "./dom.js";
import { FRAMES, length, thumb } from "./image.js";
import { t } from "./language.js";
import { nameOf } from "./subject.js";

/** As wide as there is room. */
export const filmstrip = (video, side = 320) =>
  el("span.filmstrip", { vars: { "--ratio": `${FRAMES * (video.width || 4)} / ${video.height || 3}` } }, thumb(video, side, { loading: "eager" }), length(video));

/** A <video> in a box of its own; in its place the filmstrip, where there is no file or the browser has no decoder for it. */
export function player(video, gallery, props = {}) {
  const node = el("div.player");
  const cannot = () => node.replaceChildren(filmstrip(video), el("p.soft.small", t("cannot-play", { codec: video.codec })));
  if (gallery.retention !== "paths") { node.append(filmstrip(video)); return node; }
  node.append(el("video", {
    src: fileOf(video.id), preload: "metadata", playsinline: true, controls: true, label: nameOf(video), ...props,
    onerror: cannot,
    onloadedmetadata: (event) => { if (!event.target.videoWidth) cannot(); }, // it plays the sound alone
  }));
  return node;
}

/** The <video> of a player; null if it is not played. */
export const screen = (node) => one("video", node);
