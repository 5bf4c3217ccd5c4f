// Find in videos: which videos show an image, or share a segment with a video, and when; or all that share segments.
import * as api from "../api.js";
import { all, button, el } from "../dom.js";
import { chip, name, verdict } from "../image.js";
import { follow, progress } from "../jobs.js";
import { percent, t } from "../language.js";
import { complain, say } from "../live.js";
import { go, link } from "../route.js";
import { nameOf, subject } from "../subject.js";
import { filmstrip } from "../video.js";
import { pair } from "./pair.js";
import { said, spans, statement } from "./segments.js";

const COUNT = 20;
const WORDED = 4; // segments of a video that are told in words
const SURE = "0.99"; // of segments between any two videos, as of duplicates

/** Same sound alone is no copy. */
const sure = (segment) => (segment.relation === "same sound" ? el("p.verdict", chip(segment), el("span.sure", percent(segment.probability))) : verdict(segment));

export function mount(root, gallery) {
  const heading = el("h1.view-title", t("view.videos"));
  const note = el("p.closer", { "aria-live": "polite", data: { role: "progress-note" } });
  const job = progress();
  const list = el("ol.found", { id: "videos", label: t("results") });
  const more = button(t("more"), { hidden: true, act: "more", onclick: () => next().catch(complain) });
  const place = el("div");
  root.append(heading, note, job.node, el("div.found-view", place, el("div", list, more)));
  let asked = null; // whose results are shown: the id of a query, or the probability of all pairs
  let found = []; // {key, query, hit, params, words}: key and params are those of its address
  let next = null; // more of all pairs
  let shown = null;
  let signal = null; // of the address in view

  const busy = (text) => { note.textContent = text; note.hidden = !text; };

  async function update(params, now) {
    signal = now;
    const id = params.get("id");
    const of = id ? `of ${id}` : `all ${params.get("precision") ?? SURE}`;
    try {
      if (asked !== of) {
        empty();
        await (id ? search(id) : shared(params.get("precision") ?? SURE));
        asked = of;
      }
      choose(params.get(id ? "with" : "pair"));
    } catch (error) {
      if (api.aborted(error)) return;
      busy("");
      complain(error);
    }
  }

  function empty() {
    [asked, found, next] = [null, [], null];
    choose(null);
    list.replaceChildren();
    more.hidden = true;
  }

  async function search(id) {
    heading.textContent = t("view.videos");
    busy(t("videos.searching"));
    const query = await subject(id, signal);
    if (!query) { say(t("gone")); location.replace(link("search")); return; }
    heading.textContent = t("videos.in", { name: query.name || t("query") });
    const answer = await api.searchVideos(query, { k: COUNT }, signal);
    const hits = answer.hits.filter((hit) => hit.id !== query.id && spans(hit).length > 0);
    present(hits.map((hit) => ({ key: String(hit.id), query, hit, params: { id: query.ref, with: hit.id } })), t("videos.none"));
    say(t("videos.found", { n: hits.length }), true);
  }

  async function shared(precision) {
    heading.textContent = t("videos.shared");
    busy(t("videos.searching"));
    const page = await ended(await api.sharedSegments(precision, null, signal), precision);
    if (!page) return;
    take(page, precision);
    say(t("videos.pairs", { n: page.total }), true);
  }

  /** The page, once the job that finds it has ended; null if it was stopped. */
  async function ended(page, precision) {
    if (!page.kind) return page;
    const last = await follow(page, job.update, signal);
    if (signal.aborted || last.state !== "done") { busy(""); return null; }
    job.node.hidden = true;
    return api.sharedSegments(precision, null, signal);
  }

  function take(page, precision) {
    next = page.next && (() => api.sharedSegments(precision, page.next, signal).then((one) => take(one, precision)));
    more.hidden = !next;
    present(page.pairs.map(({ a, b, ...of }) => ({
      key: `${a.id}-${b.id}`, query: { ...a, name: nameOf(a) }, hit: { ...b, ...of },
      params: { precision: precision === SURE ? null : precision, pair: `${a.id}-${b.id}` }, words: "videos.between",
    })), t("videos.nothing"));
  }

  function present(ones, nothing) {
    busy("");
    found.push(...ones);
    list.append(...ones.map(item));
    if (!found.length) list.replaceChildren(el("li.empty", nothing));
  }

  function item({ key, query, hit, params, words }) {
    const segments = spans(hit);
    const surest = segments.reduce((best, one) => (one.probability > best.probability ? one : best));
    const both = statement(hit);
    const above = words ? [name(query), filmstrip(query)] : [];
    const label = t("open", { name: words ? t("videos.pair", { a: query.name, b: nameOf(hit) }) : nameOf(hit) });
    return el("li", above, el("button.shot", { act: "choose", data: { id: key }, label, onclick: () => go("videos", params) }, filmstrip(hit)),
      name(hit), sure({ ...surest, box_in: null }), both && el("p.small", { data: { role: "statement" } }, both),
      segments.slice(0, WORDED).map((segment) => el("p.small", { data: { role: "segment" } }, said(segment, words))));
  }

  /** What has this key; without one the first, which is the surest of a search. */
  function choose(key) {
    const one = found.find((other) => other.key === key) ?? found[0];
    shown?.leave();
    shown = one ? pair(one.query, one.hit, gallery, one.words) : null;
    place.replaceChildren(...(shown ? [shown.node] : []));
    for (const other of all("button.shot", list)) other.setAttribute("aria-pressed", String(other.dataset.id === one?.key));
  }

  return { update, leave() { shown?.leave(); } };
}
