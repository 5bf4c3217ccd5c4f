// Search by words: which images show what a text says, how probably, and why; what they are not to show, and an image that they are to be like.
import * as api from "../api.js";
import { el, small, submit } from "../dom.js";
import { facts, mat, name, thumb } from "../image.js";
import { chooser, fits, intake } from "../intake.js";
import { listed, percent, t } from "../language.js";
import { complain, say } from "../live.js";
import { wanted } from "../private.js";
import { go, link } from "../route.js";
import { keep, nameOf, subject } from "../subject.js";
import { textbox } from "../textbox.js";
import { detail } from "../views.js";

const COUNT = 50;
const PLACED = new Set(["class", "tag", "colour"]); // kinds of evidence that a part of an image shows
const split = (text) => (text ?? "").split(/[,，、;；]/).map((word) => word.trim()).filter(Boolean);

export function mount(root, gallery) {
  let now = {};
  const heading = el("h1.view-title");
  const box = el("div");
  const chips = el("div.row.tight.text-chips");
  const note = el("p.soft", { id: "text-note" });
  const grid = el("ol.text-hits", { id: "hits", label: t("results") });
  root.append(heading, box, chips, note, grid);
  const change = (some) => go("search", { ...now, not: now.not.join(","), ...some });

  async function update(params, signal) {
    const by = gallery.text_by.includes(params.get("by")) ? params.get("by") : null;
    now = { text: params.get("text") ?? "", not: split(params.get("not")), like: params.get("like"), where: params.get("where"), by };
    heading.textContent = now.text || t("text.no-words");
    box.replaceChildren(textbox(gallery, now.text, by, { not: now.not.join(","), like: now.like, where: now.where }));
    try {
      const like = now.like ? await subject(now.like, signal) : null;
      if (now.like && !like) say(t("gone"));
      present(like);
      if (like?.file && wanted()) { refuse(t("text.private")); return; }
      show(await api.searchText(now.text, like, { k: COUNT, where: now.where, without: now.not.join(", "), by }, signal));
    } catch (error) {
      if (!api.aborted(error)) { grid.replaceChildren(); complain(error); }
    }
  }

  function refuse(why) {
    grid.replaceChildren();
    note.textContent = why;
    say(why, true);
  }

  /** What is left out, the example, and the ways to add to them. */
  function present(like) {
    const word = el("input", { name: "not", maxlength: 100, placeholder: t("text.not"), "aria-label": t("text.not") });
    const add = el("form.row.tight", { onsubmit: (event) => { event.preventDefault(); change({ not: [...now.not, ...split(word.value)].join(",") }); } },
      word, submit(t("text.leave-out"), "leave-out"));
    chips.replaceChildren(
      ...now.not.map((one) => chip(t("text.without", { word: one }), one, () => change({ not: now.not.filter((other) => other !== one).join(",") }), { not: one })),
      like ? chip([el("img", { src: like.url, alt: "" }), t("text.like", { name: like.name || t("query") })], like.name, () => change({ like: null }), { like: like.ref })
        : chooser(exemplify, t("text.example-image"), { class: "small" }),
      add);
  }

  const chip = (said, what, remove, data) => el("span.chip", { data }, said, small("×", { act: "remove", label: t("text.remove", { what }), onclick: remove }));
  const exemplify = (file) => { if (fits(file, gallery)) change({ like: keep(file) }); };

  function show(answer) {
    const said = [
      answer.unknown.length ? t("text.unknown", { words: listed(answer.unknown) }) : "",
      answer.hits.length || !(answer.understood.length || now.like) ? "" : t("text.nothing", { best: percent(answer.best) }),
    ].filter(Boolean).join(" ");
    note.textContent = said;
    grid.replaceChildren(...answer.hits.map(card));
    say([t("text.found", { n: answer.hits.length }), said].filter(Boolean).join(" "), true);
  }

  const card = (hit) => el("li", { data: { id: hit.id } },
    el("button", { class: "shot", act: "open", label: t("open", { name: nameOf(hit) }), onclick: () => detail(hit.id, gallery, { text: hit.evidence.some((one) => PLACED.has(one.kind)) ? now.text : "" }) }, mat(hit, thumb(hit, 240))),
    el("p.verdict", percent(hit.probability)),
    el("p.soft.text-why", listed(hit.evidence.map(reason))),
    name(hit), facts(hit),
    el("div.row.tight", el("a", { href: link("search", { id: hit.id }) }, t("similar")),
      el("a", { href: link("search", { ...now, not: now.not.join(","), like: hit.id }), act: "exemplify" }, t("text.more"))));

  function reason(one) {
    if (one.kind === "example") return `${t("text.alike")} ${percent(one.probability)}`;
    return one.kind === "file" || one.name === one.word ? one.word : `${one.word}: ${one.name}`;
  }

  const stop = intake(root, (file) => { if (fits(file, gallery)) go("search", { id: keep(file) }); });

  return { update, leave: stop };
}
