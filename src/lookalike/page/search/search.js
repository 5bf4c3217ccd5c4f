// Search: the ranking for an image, verified by geometry, and changed by what the visitor calls relevant.
import * as api from "../api.js";
import { all, el, field, select, small } from "../dom.js";
import { filterBuilder } from "../filter.js";
import { img } from "../image.js";
import { cameraButton, chooser, fits, intake } from "../intake.js";
import { listed, named, t } from "../language.js";
import { complain, say } from "../live.js";
import { described, privacySwitch, runnable, wanted } from "../private.js";
import { again, go, ids, link } from "../route.js";
import { keep, subject } from "../subject.js";
import { regionPicker } from "./region.js";
import { results } from "./results.js";

const COUNTS = [10, 20, 50, 100];
const COPY = 0.5; // more likely a copy than not, as on the command line
const numbers = (text) => { const four = (text ?? "").split(",").map(Number); return four.length === 4 && four.every(Number.isFinite) ? four : null; };

/** What the address asks for; its defaults are those of `lookalike search`. */
function asked(params, gallery) {
  const known = gallery.by.some((one) => one.name === params.get("by"));
  return {
    id: params.get("id"), by: known ? params.get("by") : gallery.default_by, k: COUNTS.find((k) => k === Number(params.get("k"))) ?? COUNTS[0],
    where: params.get("where") ?? "", region: numbers(params.get("region")), all: params.get("all") === "1",
    good: ids(params.get("good")), bad: ids(params.get("bad")),
  };
}

export function mount(root, gallery) {
  let now = null;
  let query = null;
  let picker = null;
  let order = []; // the ranking before any feedback, for the ranks' changes
  let orderKey = "";
  let network = null; // that describes the query here, in a private search
  let vectors = { key: "", answer: null }; // the last description: the promise of it

  const change = (some) => {
    const next = { ...now, ...some };
    go("search", { ...next, by: next.by === gallery.default_by ? "" : next.by, k: next.k === COUNTS[0] ? "" : next.k, all: next.all ? 1 : "" });
  };
  const take = (file) => { if (fits(file, gallery)) change({ id: keep(file), region: null, good: [], bad: [] }); };
  const kind = (name = now.by) => gallery.by.find((one) => one.name === name)?.kind;
  const hasFeedback = () => now.good.length + now.bad.length > 0;
  const verifies = () => !network && (now.by === "copy" || kind() === "regions") && !hasFeedback();
  const byCopy = () => now.by === "copy" && !hasFeedback();

  const panel = el("section.query", { label: t("query") });
  const privately = el("p.soft", { hidden: true, data: { role: "private-note" } }, t("search.private"));
  const filter = filterBuilder(gallery, (where) => change({ where }));
  const by = select(gallery.by.map((one) => [one.name, named("by", one.name)]), gallery.default_by,
    (name) => change({ by: name, ...(kind(name) === "regions" && { good: [], bad: [] }) }), { data: { control: "by" } });
  const k = select(COUNTS.map((count) => [String(count), String(count)]), String(COUNTS[0]), (count) => change({ k: Number(count) }), { data: { control: "k" } });
  const refine = el("details.refine", { open: innerWidth >= 768 }, el("summary", t("filter")), filter.node);
  const controls = el("div.controls", el("div.row", field(t("search.by"), by), field(t("search.k"), k)), refine);
  const ranking = results(gallery, {
    mark: (id, verdict) => {
      const others = (list) => list.filter((one) => one !== id);
      const had = now[verdict].includes(id);
      change({ good: others(now.good), bad: others(now.bad), [verdict]: had ? others(now[verdict]) : [...others(now[verdict]), id] });
    },
    clear: () => change({ good: [], bad: [] }),
    hint: (box) => picker?.hint(box),
    all: (all) => change({ all }),
  });
  const heading = el("h1.view-title", t("view.search"));
  root.append(heading, el("div.search-view", panel, el("div.answers", controls, ranking.node)));
  const stop = intake(root, take);

  /** The query's panel, anew only when the query is another one. */
  function present() {
    const shown = img(query.url, query.name || t("query"), { draggable: "false" });
    picker = regionPicker(shown, query.width, query.height, (region) => change({ region, good: [], bad: [] }));
    heading.textContent = t("search.like", { name: query.name || t("query") });
    panel.replaceChildren(picker.node, el("p.name", el("bdi", query.name)),
      el("div.row.tight", chooser(take, t("search.other"), { class: "small" }), cameraButton(take, { class: "small" }),
        gallery.videos > 0 && small(t("view.videos"), { act: "videos", onclick: () => go("videos", { id: now.id }) }),
        small(t("search.new"), { act: "new-search", onclick: () => go("search") })), query.file && privacySwitch(again), privately);
  }

  async function update(params, signal) {
    now = asked(params, gallery);
    by.value = now.by;
    k.value = String(now.k);
    filter.set(now.where);
    if (now.where) refine.open = true;
    try {
      if (query?.ref !== now.id) {
        query = await subject(now.id, signal);
        if (!query) { say(t("gone")); location.replace(link("search")); return; }
        if (query.codec) { location.replace(link("videos", { id: now.id })); return; }
        ranking.skeleton(now.k);
        present();
      }
      await choosePrivacy();
      picker.set(now.region);
      await search(signal);
    } catch (error) {
      if (api.aborted(error)) return;
      complain(error);
      ranking.fail(error);
    }
  }

  /** In a private search: what this browser can describe the query by, and nothing else; never the image instead. */
  async function choosePrivacy() {
    const isPrivate = Boolean(query.file) && wanted();
    for (const button of all("[data-act=videos]", panel)) button.hidden = isPrivate;
    const found = isPrivate ? await runnable() : new Map();
    if (isPrivate && !found.size) throw new Error(t("private.none"));
    network = found.get(now.by) ?? found.values().next().value ?? null;
    if (network) by.value = now.by = network.name;
    for (const option of by.options) option.disabled = Boolean(network) && !found.has(option.value);
    privately.hidden = !network;
  }

  async function ask(some, signal) {
    const options = { k: now.k, by: now.by, where: now.where, precision: byCopy() && !now.all ? COPY : null, good: now.good, bad: now.bad, ...some };
    if (!network) return api.search(query, { ...options, region: now.region }, signal);
    const { vector, width, height } = await describedHere();
    const answer = await api.searchVectors({ [network.name]: vector }, { ...options, rerank: null }, signal);
    return { ...answer, query: { ...answer.query, width, height } };
  }

  function describedHere() {
    const key = JSON.stringify([query.ref, network.sha256, now.region]);
    if (vectors.key !== key) {
      ranking.busy(t("search.describing"));
      vectors = { key, answer: described(query.file, network, now.region) };
      vectors.answer.catch(() => { vectors = { key: "", answer: null }; });
    }
    return vectors.answer;
  }

  /** Twice where the nearest are verified by geometry: the answer by the vectors alone does not wait for it. */
  async function search(signal) {
    const only = byCopy() && !now.all;
    const key = JSON.stringify([now.id, now.by, now.where, now.region, only]);
    if (hasFeedback() && orderKey !== key) order = (await ask({ rerank: 0, good: [], bad: [] }, signal)).hits.map((hit) => hit.id);
    orderKey = key;
    ranking.busy(t("search.searching"));
    let answer = await ask(hasFeedback() ? {} : { rerank: 0 }, signal);
    picker.size(answer.query.width, answer.query.height);
    const shown = { ...now, kind: kind(), query, private: Boolean(network), only, scoped: byCopy(), order: hasFeedback() ? order : null };
    if (verifies() && !answer.query.blank) {
      ranking.show(answer, shown, t("search.verifying"));
      answer = await ask({}, signal);
    }
    ranking.show(answer, shown, "");
    if (!hasFeedback()) order = answer.hits.map((hit) => hit.id);
    say(listed([t("search.found", { n: answer.hits.length }), answer.query.blank ? t("search.blank") : ""].filter(Boolean)), true);
  }

  return { update, leave: stop };
}
