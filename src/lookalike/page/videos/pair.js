// The query and one video that shows it: both one above the other, joined by bands, and played.
import { el } from "../dom.js";
import { chip, img, mat, name } from "../image.js";
import { percent, t } from "../language.js";
import { nameOf } from "../subject.js";
import { filmstrip, player, screen } from "../video.js";
import { moment, said } from "./segments.js";
import { timeline } from "./timeline.js";
import { together } from "./together.js";

/** {node, leave()}; `query`: a subject, an image or a video. */
export function pair(query, hit, gallery) {
  const words = el("p", { data: { role: "segment" }, "aria-live": "polite" });
  const shown = query.codec ? together(query, hit, gallery) : jumping(hit, gallery);
  const bands = timeline(hit.segments, [query.codec ? query.duration : null, hit.duration], choose);

  function choose(at) {
    const segment = hit.segments[at];
    bands.choose(at);
    words.replaceChildren(chip(segment), " ", said(segment), ` · ${percent(segment.probability, segment.relation)}`);
    shown.show(segment);
  }

  const above = query.codec ? filmstrip(query, 800) : mat(query, img(query.url, query.name || t("query")));
  const node = el("section.pair", { id: "pair", label: t("videos.pair", { name: nameOf(hit) }) },
    el("div.strips", { class: query.codec ? "" : "still" }, name({ ...query, name: query.name || t("query") }), above, bands.node, filmstrip(hit, 800), name(hit)), words, shown.node);
  if (hit.segments.length) choose(0);
  return { node, leave: shown.leave };
}

/** One video that jumps to the moment at which it shows the still. */
function jumping(hit, gallery) {
  const node = player(hit, gallery);
  return {
    node,
    show(segment) { if (screen(node)) screen(node).currentTime = moment(segment); },
    leave() { screen(node)?.pause(); },
  };
}
