// The query and one video that shows it: both one above the other, joined by bands, and played.
import { el } from "../dom.js";
import { chip, img, mat, name } from "../image.js";
import { percent, t } from "../language.js";
import { nameOf } from "../subject.js";
import { filmstrip, player, screen } from "../video.js";
import { moment, said, spans } from "./segments.js";
import { timeline } from "./timeline.js";
import { together } from "./together.js";

/** {node, leave()}; `query`: a subject, an image or a video. `placed`: the words for where a segment is in both. */
export function pair(query, hit, gallery, placed) {
  const segments = spans(hit);
  const words = el("p", { data: { role: "segment" }, "aria-live": "polite" });
  const shown = query.codec ? together(query, hit, gallery) : jumping(hit, gallery);
  const bands = timeline(segments, [query.codec ? query.duration : null, hit.duration], choose, placed);

  function choose(at) {
    const segment = segments[at];
    bands.choose(at);
    words.replaceChildren(chip(segment), " ", said(segment, placed), ` · ${percent(segment.probability, segment.relation)}`);
    shown.show(segment);
  }

  const above = query.codec ? filmstrip(query, 800) : mat(query, img(query.url, query.name || t("query")));
  const node = el("section.pair", { id: "pair", label: t("videos.pair", { a: query.name || t("query"), b: nameOf(hit) }) },
    el("div.strips", { class: query.codec ? "" : "still" }, name({ ...query, name: query.name || t("query") }), above, bands.node, filmstrip(hit, 800), name(hit)), words, shown.node);
  if (segments.length) choose(0);
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
