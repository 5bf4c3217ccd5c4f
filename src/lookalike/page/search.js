// Search: a picture comes in, the ranking comes out; then it is looked at more closely, and judged.
import { aborted, get, send } from "./api.js";
import { el, field, select, small } from "./dom.js";
import { filterBuilder } from "./filter.js";
import { cameraButton, chooser, fits, intake } from "./intake.js";
import { listed, named, t } from "./language.js";
import { complain, say } from "./live.js";
import { image, thumb } from "./picture.js";
import { regionPicker } from "./region.js";
import { results } from "./results.js";
import { go, ids, link } from "./route.js";
import { asForm, keep, nameOf, subject } from "./subject.js";

const COUNTS = [10, 20, 50, 100];
const SURE = 0.99; // "copies only"
const numbers = (text) => { const four = (text ?? "").split(",").map(Number); return four.length === 4 && four.every(Number.isFinite) ? four : null; };

/** What the address asks for. */
function asked(params, gallery) {
  const known = gallery.by.some((one) => one.name === params.get("by"));
  return {
    id: params.get("id"), by: known ? params.get("by") : gallery.default_by, k: COUNTS.find((k) => k === Number(params.get("k"))) ?? 20,
    where: params.get("where") ?? "", region: numbers(params.get("region")), copies: params.get("copies") === "1",
    good: ids(params.get("good")), bad: ids(params.get("bad")),
  };
}

export function mount(root, gallery) {
  let now = null;
  let query = null;
  let picker = null;
  let order = []; // the ranking before any judgement, for the ranks' changes
  let orderKey = "";

  const change = (some) => {
    const next = { ...now, ...some };
    go("search", { ...next, by: next.by === gallery.default_by ? "" : next.by, k: next.k === 20 ? "" : next.k, copies: next.copies ? 1 : "" });
  };
  const fresh = (id) => change({ id, region: null, good: [], bad: [] });
  const take = (file) => { if (fits(file, gallery)) fresh(keep(file)); };
  const kind = (name = now.by) => gallery.by.find((one) => one.name === name)?.kind;
  const verifies = () => (now.by === "copy" || kind() === "regions") && !now.good.length && !now.bad.length;

  const panel = el("section.query", { label: t("query") });
  const filter = filterBuilder(gallery, (where) => change({ where }));
  const by = select(gallery.by.map((one) => [one.name, named("by", one.name)]), gallery.default_by,
    (name) => change({ by: name, ...(kind(name) === "regions" && { good: [], bad: [] }) }), { data: { control: "by" } });
  const k = select(COUNTS.map((count) => [String(count), String(count)]), "20", (count) => change({ k: Number(count) }), { data: { control: "k" } });
  const copies = el("input", { type: "checkbox", id: "copies", data: { control: "copies" }, onchange: () => change({ copies: copies.checked }) });
  const refine = el("details.refine", { open: innerWidth >= 768 }, el("summary", t("filter")), filter.node);
  const controls = el("div.controls",
    el("div.row", field(t("by"), by), field(t("k"), k),
      el("div.check", copies, el("label", { for: "copies" }, t("copies-only")))), refine);
  const found = results(gallery, {
    judge: (id, verdict) => {
      const others = (list) => list.filter((one) => one !== id);
      const had = now[verdict].includes(id);
      change({ good: others(now.good), bad: others(now.bad), [verdict]: had ? others(now[verdict]) : [...others(now[verdict]), id] });
    },
    clear: () => change({ good: [], bad: [] }),
    hint: (box) => picker?.hint(box),
  });
  const welcome = el("div.welcome");
  const heading = el("h1.view-title", t("view.search"));
  const working = el("div.search-view", { hidden: true }, panel, el("div.answers", controls, found.node));
  root.append(heading, welcome, working);
  const stop = intake(root, take);

  function greet(signal) {
    working.hidden = true;
    welcome.hidden = false;
    heading.textContent = t("search.title");
    const some = el("ul.samples", { label: t("search.samples") });
    welcome.replaceChildren(
      el("div.drop", { data: { role: "drop" } }, el("p.big", t("search.drop")),
        el("div.row.centre", chooser(take, t("choose"), { class: "main" }), cameraButton(take)), el("p.soft", t("search.paste"))),
      gallery.pictures ? el("h2", t("search.samples")) : el("p.empty", t("library.empty"), " ", el("a", { href: "#/library" }, t("view.library"))), some);
    if (gallery.pictures) samples(some, signal).catch(complain);
  }

  async function samples(into, signal) {
    const { ids: every } = await get("/v1/ids", {}, signal);
    const step = Math.max(1, Math.floor(every.length / 12));
    const { images } = await get("/v1/images", { ids: every.filter((_, at) => at % step === 0).slice(0, 12).join(",") }, signal);
    into.replaceChildren(...images.map((picture) =>
      el("li", el("a", { href: link("search", { id: picture.id }), data: { id: picture.id } }, thumb(picture, 160, { alt: t("similar-to", { name: nameOf(picture) }) })))));
  }

  /** The query's panel, anew only when the query is another one. */
  function present() {
    const img = image(query.url, query.name || t("query"), { draggable: "false" });
    picker = regionPicker(img, query.width, query.height, (region) => change({ region, good: [], bad: [] }));
    panel.replaceChildren(picker.node, el("p.name", el("bdi", query.name)),
      el("div.row.tight", chooser(take, t("choose-other"), { class: "small" }), cameraButton(take, { class: "small" }),
        small(t("search.new"), { act: "new-search", onclick: () => go("search") })));
  }

  async function update(params, signal) {
    now = asked(params, gallery);
    by.value = now.by;
    k.value = String(now.k);
    copies.checked = now.copies;
    filter.set(now.where);
    if (now.where) refine.open = true;
    if (!now.id) { query = null; greet(signal); return; }
    try {
      if (query?.ref !== now.id) {
        query = await subject(now.id, signal);
        if (!query) { greet(signal); say(t("search.gone")); return; }
        found.skeleton(now.k);
        present();
      }
      heading.textContent = t("search.like", { name: query.name || t("query") });
      welcome.hidden = true;
      working.hidden = false;
      picker.set(now.region);
      await search(signal);
    } catch (error) {
      if (aborted(error)) return;
      complain(error);
      if (query) found.fail(error);
      else greet(signal);
    }
  }

  const question = (some) => ({
    ...asForm(query), k: now.k, by: now.by, where: now.where, region: now.region, precision: now.copies ? SURE : null, good: now.good, bad: now.bad, ...some,
  });

  async function search(signal) {
    const key = JSON.stringify([now.id, now.by, now.where, now.region, now.copies]);
    const judged = now.good.length + now.bad.length > 0;
    if (judged && orderKey !== key) order = (await send("/v1/search", question({ verify: 0, good: [], bad: [] }), signal)).hits.map((hit) => hit.id);
    orderKey = key;
    found.busy(t("searching"));
    const first = await send("/v1/search", question({ verify: judged ? null : 0 }), signal);
    picker.size(first.query.width, first.query.height);
    const shown = { ...now, kind: kind(), query, order: judged ? order : null };
    found.show(first, shown, verifies() && first.hits.length ? t("looking-closer") : "");
    let last = first;
    if (verifies() && first.hits.length) {
      last = await send("/v1/search", question({}), signal);
      found.show(last, shown, "");
    }
    if (!judged) order = last.hits.map((hit) => hit.id);
    say(listed([t("found", { n: last.hits.length }), last.query.blank ? t("blank") : ""].filter(Boolean)), true);
  }

  return { update, leave: stop };
}
