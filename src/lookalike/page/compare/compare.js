// Compare: two images, their relation, and the evidence for it.
import * as api from "../api.js";
import { button, el, small, submit } from "../dom.js";
import { bar, chip, edits, img, mat, relation, signedBar } from "../image.js";
import { chooser, fits, intake } from "../intake.js";
import { distance, listed, named, number, percent, t } from "../language.js";
import { complain, say } from "../live.js";
import { go } from "../route.js";
import { keep, subject } from "../subject.js";
import { stage } from "./stage.js";

// The typical distance of two unrelated photographs, where it is not about 1: a full bar.
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
    const title = t("compare.side", { side: side.toUpperCase() });
    const place = el("div.slot-image");
    const text = el("p.name");
    const number = el("input", { type: "number", min: 1, id: `number-${side}`, data: { slot: side } });
    const node = el("section.slot", { data: { slot: side }, label: title },
      el("h2", title), place, text,
      el("div.row.tight", chooser((file) => put(side, file), t("choose"), { class: "small" }),
        el("form.row.tight", { onsubmit: (event) => { event.preventDefault(); if (number.value) go("compare", { a: now.a, b: now.b, [side]: number.value }); } },
          el("label.small", { for: number.id }, t("compare.number")), number, submit(t("compare.use"), "use-number"))));
    const leave = intake(node, (file) => put(side, file), false);
    const fill = (one) => {
      node.classList.toggle("filled", Boolean(one));
      text.textContent = one?.name ?? "";
      place.replaceChildren(one ? mat(one, img(one.url, one.name || title)) : el("p.drop.small", t("drop")));
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
      if ((now.a && !both[0]) || (now.b && !both[1])) say(t("gone"));
      if (!both[0] || !both[1]) { answer.replaceChildren(el("p.empty", t("compare.empty"))); return; }
      answer.replaceChildren(el("p.closer", t("compare.working")), el("div.skeleton", el("span.mat")));
      await present(both, await api.compare(...both, signal), signal);
    } catch (error) {
      if (api.aborted(error)) return;
      answer.replaceChildren(el("p.empty", error.message));
      complain(error);
    }
  }

  async function present(both, result, signal) {
    const drawn = await Promise.all(both.map((one, at) => loaded(one, at ? result.b : result.a)));
    if (signal.aborted) return;
    const done = edits(result);
    const turned = result.orientation !== "upright";
    const summary = el("div.card.sum",
      el("p.verdict", chip(result), el("span.sure.big", { title: t("probability") }, percent(result.probability, result.relation))),
      bar(result.probability, "thick"), el("p.soft", t("compare.sure")),
      el("p", turned ? named("orientation", result.orientation) : t(`why.${result.relation}`)),
      done.length > 0 && el("p", `${t("edits")}: ${listed(done)}`),
      result.inliers > 0 && el("p.soft", t("inliers", { n: result.inliers })));
    if (drawn.every(Boolean)) shown = stage(...drawn, result);
    answer.replaceChildren(
      summary, el("div.seen", shown ? shown.node : el("p.empty", t("compare.unseen")), el("div.row", explained(both), gallery.faces.length > 0 && people(both))),
      el("div.card.reasoned", result.contributions && Object.keys(result.contributions).length > 0 && evidence(result), distances(result)));
    say(`${relation(result)}, ${percent(result.probability, result.relation)}`, true);
  }

  /** The explanation as the library draws it. */
  function explained(both) {
    const place = el("div.explained");
    const draw = button(t("compare.drawn"), { act: "explain", onclick: async () => {
      draw.disabled = true;
      try {
        const url = URL.createObjectURL(await api.comparisonDrawn(...both));
        place.replaceChildren(el("p", el("a", { href: url, download: "why.png" }, t("compare.save"))), img(url, t("compare.drawn")));
      } catch (error) { complain(error); }
      draw.disabled = false;
    } });
    return el("div", draw, place);
  }

  /** Whether both show one person: asked for, never said unasked. */
  function people(both) {
    const said = el("p", { id: "one-person", "aria-live": "polite" });
    const ask = button(t("compare.person"), { act: "person", onclick: async () => {
      ask.disabled = true;
      try {
        const { probability, a_faces: a, b_faces: b } = await api.compareFaces(...both);
        said.textContent = [t("compare.person-sure", { share: percent(probability) }), a + b > 2 && t("compare.largest", { a, b })].filter(Boolean).join(" ");
      } catch (error) { complain(error); }
      ask.disabled = false;
    } }, "people");
    return el("div", ask, said);
  }

  return { update, leave() { stop(); slots.a.leave(); slots.b.leave(); shown?.leave(); } };
}

/** The image to draw, with the size that the service goes by; null if the browser cannot show it. */
async function loaded(one, { width, height }) {
  const drawn = new Image();
  drawn.src = one.file ? one.url : api.thumbnail(one.id, 1600);
  try { await drawn.decode(); } catch { return null; }
  return { img: drawn, width, height };
}

const rows = (title, items, note) => el("section", el("h3", title), el("dl.ways", items.map(([name, text, drawn]) =>
  el("div", el("dt", named("by", name)), el("dd", text), el("dd.whole", drawn)))), el("p.soft.small", note));

const distances = ({ distances: all }) => rows(t("compare.distances"),
  Object.entries(all).map(([way, value]) => [way, distance(value), bar(value / (TYPICAL[way] ?? 1), "plain")]), t("compare.typical"));

function evidence({ contributions: shares }) {
  const sorted = Object.entries(shares).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const most = Math.abs(sorted[0][1]);
  const signed = (value) => `${value < 0 ? "−" : "+"}${number(Math.abs(value), 1)}`;
  return rows(t("compare.shares"), sorted.map(([cue, value]) => [cue, signed(value), signedBar(value, most)]), t("compare.odds"));
}
