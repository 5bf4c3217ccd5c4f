// Find in videos: which videos show an image, or share a segment with a video, and when.
import * as api from "../api.js";
import { all, el } from "../dom.js";
import { name, verdict } from "../image.js";
import { t } from "../language.js";
import { complain, say } from "../live.js";
import { go, link } from "../route.js";
import { nameOf, subject } from "../subject.js";
import { filmstrip } from "../video.js";
import { pair } from "./pair.js";
import { said } from "./segments.js";

const COUNT = 20;
const WORDED = 4; // segments of a video that are told in words

export function mount(root, gallery) {
  const heading = el("h1.view-title", t("view.videos"));
  const note = el("p.closer", { "aria-live": "polite", data: { role: "progress-note" } });
  const list = el("ol.found", { id: "videos", label: t("results") });
  const place = el("div");
  root.append(heading, note, el("div.found-view", place, list));
  let query = null;
  let hits = [];
  let shown = null;

  const busy = (text) => { note.textContent = text; note.hidden = !text; };

  async function update(params, signal) {
    const id = params.get("id");
    if (!id) { location.replace(link("library")); return; }
    try {
      if (query?.ref !== id) await search(id, signal);
      if (query) choose(params.get("with"));
    } catch (error) {
      if (api.aborted(error)) return;
      busy("");
      complain(error);
    }
  }

  async function search(id, signal) {
    query = null;
    choose(null);
    list.replaceChildren();
    busy(t("videos.searching"));
    const asked = await subject(id, signal);
    if (!asked) { say(t("gone")); location.replace(link("search")); return; }
    heading.textContent = t("videos.in", { name: asked.name || t("query") });
    const answer = await api.searchVideos(asked, { k: COUNT }, signal);
    hits = answer.hits.filter((hit) => hit.id !== asked.id && hit.segments.length > 0);
    query = asked;
    busy("");
    list.replaceChildren(...(hits.length ? hits.map(item) : [el("li.empty", t("videos.none"))]));
    say(t("videos.found", { n: hits.length }), true);
  }

  function item(hit) {
    const surest = hit.segments.reduce((best, one) => (one.probability > best.probability ? one : best));
    return el("li", el("button.shot", { act: "choose", data: { id: hit.id }, label: t("open", { name: nameOf(hit) }), onclick: () => go("videos", { id: query.ref, with: hit.id }) }, filmstrip(hit)),
      verdict({ ...surest, box_in: null }), name(hit),
      hit.segments.slice(0, WORDED).map((segment) => el("p.small", { data: { role: "segment" } }, said(segment))));
  }

  /** The video of this id; without one the surest. */
  function choose(id) {
    const hit = hits.find((one) => String(one.id) === id) ?? hits[0];
    shown?.leave();
    shown = query && hit ? pair(query, hit, gallery) : null;
    place.replaceChildren(...(shown ? [shown.node] : []));
    for (const one of all("button", list)) one.setAttribute("aria-pressed", String(one.dataset.id === String(hit?.id)));
  }

  return { update, leave() { shown?.leave(); } };
}
