// Compare: two pictures, what they have to do with each other, and why.
import { aborted, ask, formOf, send, thumbnail } from "./api.js";
import { button, el, small, submit } from "./dom.js";
import { chooser, fits, intake } from "./intake.js";
import { distance, listed, named, number, percent, t } from "./language.js";
import { complain, say } from "./live.js";
import { bar, chip, edits, image, mat, pull } from "./picture.js";
import { go } from "./route.js";
import { stage } from "./stage.js";
import { asForm, keep, subject } from "./subject.js";

// What two unrelated photographs are typically apart, where it is not about 1: a full bar.
const TYPICAL = { pdq: 128, structure: 128, colour: 226, texture: 0.232 };

export function mount(root, gallery) {
  let now = { a: null, b: null, mode: "side" };
  let shown = null;
  const slots = { a: slot("a"), b: slot("b") };
  const swap = small(t("swap"), { act: "swap", onclick: () => go("compare", { a: now.b, b: now.a }) }, "swap");
  const answer = el("section.answer", { label: t("results"), "aria-live": "off", id: "answer" });
  root.append(el("h1.view-title", t("compare.title")), el("div.slots", slots.a.node, swap, slots.b.node), answer);
  const stop = intake(root, (file) => put(now.a ? "b" : "a", file));

  function put(side, file) {
    if (fits(file, gallery)) go("compare", { a: now.a, b: now.b, [side]: keep(file) });
  }

  function slot(side) {
    const title = t("picture", { side: side.toUpperCase() });
    const picture = el("div.slot-picture");
    const text = el("p.name");
    const number = el("input", { type: "number", min: 1, placeholder: "id", label: t("compare.id", { side: side.toUpperCase() }), data: { slot: side } });
    const node = el("section.slot", { data: { slot: side }, label: title },
      el("h2", title), picture, text,
      el("div.row.tight", chooser((file) => put(side, file), t("choose"), { class: "small" }),
        el("form.row.tight", { onsubmit: (event) => { event.preventDefault(); if (number.value) go("compare", { a: now.a, b: now.b, [side]: number.value }); } },
          number, submit(t("compare.take")))));
    const leave = intake(node, (file) => put(side, file), false);
    const fill = (one) => {
      node.classList.toggle("filled", Boolean(one));
      text.textContent = one?.name ?? "";
      picture.replaceChildren(one ? mat(one, image(one.url, one.name || title)) : el("p.drop.small", t("search.drop")));
    };
    fill(null);
    return { node, fill, leave };
  }

  async function update(params, signal) {
    now = { a: params.get("a"), b: params.get("b") };
    shown?.leave();
    shown = null;
    swap.hidden = !now.a || !now.b;
    try {
      const both = await Promise.all(["a", "b"].map((side) => (now[side] ? subject(now[side], signal) : null)));
      ["a", "b"].forEach((side, at) => slots[side].fill(both[at]));
      if ((now.a && !both[0]) || (now.b && !both[1])) say(t("search.gone"));
      if (!both[0] || !both[1]) { answer.replaceChildren(el("p.empty", t("compare.empty"))); return; }
      answer.replaceChildren(el("p.closer", t("comparing")), el("div.skeleton", el("span.mat")));
      const form = { ...asForm(both[0], "a", "a_id"), ...asForm(both[1], "b", "b_id") };
      const told = await send("/v1/compare", { ...form, explain: true }, signal);
      await present(both, told, form, signal);
    } catch (error) {
      if (aborted(error)) return;
      answer.replaceChildren(el("p.empty", error.message));
      complain(error);
    }
  }

  async function present(both, told, form, signal) {
    const drawn = await Promise.all(both.map((one, at) => loaded(one, at ? told.b : told.a)));
    if (signal.aborted) return;
    const done = edits(told);
    const summary = el("div.card.sum",
      el("p.verdict", chip(told.relation), el("span.sure.big", { title: t("probability") }, percent(told.probability, told.relation))),
      bar(told.probability, "thick"), el("p.soft", t("compare.sure")), el("p", t(`why.${told.relation}`)),
      done.length > 0 && el("p", `${t("edits")}: ${listed(done)}`),
      told.orientation !== "upright" && el("p", named("turn", told.orientation)),
      told.inliers > 0 && el("p.soft", t("inliers", { n: told.inliers })));
    if (drawn.every(Boolean)) shown = stage(...drawn, told);
    answer.replaceChildren(
      summary, el("div.seen", shown ? shown.node : el("p.empty", t("compare.unseen")), explained(form)),
      el("div.card.reasoned", told.contributions && Object.keys(told.contributions).length > 0 && evidence(told), distances(told)));
    say(`${named("relation", told.relation)}, ${percent(told.probability, told.relation)}`, true);
  }

  /** The explanation as the library draws it. */
  function explained(form) {
    const place = el("div.explained");
    const draw = button(t("compare.drawn"), { act: "explain", onclick: async () => {
      draw.disabled = true;
      try {
        const blob = await ask("POST", "/v1/compare/picture", { form: formOf(form) });
        const url = URL.createObjectURL(blob);
        place.replaceChildren(el("p", el("a", { href: url, download: "why.png" }, t("compare.save"))), image(url, t("compare.drawn")));
      } catch (error) { complain(error); }
      draw.disabled = false;
    } });
    return el("div", draw, place);
  }

  return { update, leave() { stop(); slots.a.leave(); slots.b.leave(); shown?.leave(); } };
}

/** The image to draw, with the size that the service goes by; null if the browser cannot show it. */
async function loaded(one, { width, height }) {
  const img = new Image();
  img.src = one.file ? one.url : thumbnail(one.id, 1600);
  try { await img.decode(); } catch { return null; }
  return { img, width, height };
}

const rows = (title, items, note) => el("section", el("h3", title), el("dl.ways", items.map(([name, text, drawn]) =>
  el("div", el("dt", named("by", name)), el("dd", text), el("dd.whole", drawn)))), el("p.soft.small", note));

const distances = ({ distances: all }) => rows(t("compare.distances"),
  Object.entries(all).map(([way, value]) => [way, distance(value), bar(value / (TYPICAL[way] ?? 1), "plain")]), t("compare.typical"));

function evidence({ contributions: shares }) {
  const sorted = Object.entries(shares).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const most = Math.abs(sorted[0][1]);
  const signed = (value) => `${value < 0 ? "−" : "+"}${number(Math.abs(value), 1)}`;
  return rows(t("compare.shares"), sorted.map(([cue, value]) => [cue, signed(value), pull(value, most)]), t("compare.odds"));
}
