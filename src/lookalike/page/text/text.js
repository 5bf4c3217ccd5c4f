// Search by words: which images show what a text says, how probably, and why.
import * as api from "../api.js";
import { el } from "../dom.js";
import { facts, mat, name, thumb } from "../image.js";
import { fits, intake } from "../intake.js";
import { listed, percent, t } from "../language.js";
import { complain, say } from "../live.js";
import { go, link } from "../route.js";
import { keep, nameOf } from "../subject.js";
import { textbox } from "../textbox.js";
import { detail } from "../views.js";

const COUNT = 50;

export function mount(root, gallery) {
  const heading = el("h1.view-title");
  const box = el("div");
  const note = el("p.soft", { id: "text-note" });
  const grid = el("ol.text-hits", { id: "hits", label: t("results") });
  root.append(heading, box, note, grid);

  async function update(params, signal) {
    const text = params.get("text") ?? "";
    const by = gallery.text_by.includes(params.get("by")) ? params.get("by") : null;
    heading.textContent = text;
    box.replaceChildren(textbox(gallery, text, by));
    try {
      show(await api.searchText(text, { k: COUNT, where: params.get("where"), by }, signal));
    } catch (error) {
      if (!api.aborted(error)) { grid.replaceChildren(); complain(error); }
    }
  }

  function show(answer) {
    const said = [
      answer.unknown.length ? t("text.unknown", { words: listed(answer.unknown) }) : "",
      answer.hits.length || !answer.understood.length ? "" : t("text.nothing", { best: percent(answer.best) }),
    ].filter(Boolean).join(" ");
    note.textContent = said;
    grid.replaceChildren(...answer.hits.map(card));
    say([t("text.found", { n: answer.hits.length }), said].filter(Boolean).join(" "), true);
  }

  const card = (hit) => el("li", { data: { id: hit.id } },
    el("button", { class: "shot", act: "open", label: t("open", { name: nameOf(hit) }), onclick: () => detail(hit.id, gallery) }, mat(hit, thumb(hit, 240))),
    el("p.verdict", percent(hit.probability)),
    el("p.soft.text-why", listed(hit.evidence.map((one) => (one.kind === "file" || one.name === one.word ? one.word : `${one.word}: ${one.name}`)))),
    name(hit), facts(hit), el("a", { href: link("search", { id: hit.id }) }, t("similar")));

  const stop = intake(root, (file) => { if (fits(file, gallery)) go("search", { id: keep(file) }); });

  return { update, leave: stop };
}
