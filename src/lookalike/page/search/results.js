// The ranking, as cards: what each hit is, why it is there, whether the visitor calls it relevant.
import { all, el, icon, one, small, tool, writing } from "../dom.js";
import { edits, facts, hollow, mat, name, signedBar, thumb, verdict } from "../image.js";
import { distance, listed, number, t } from "../language.js";
import { link } from "../route.js";
import { nameOf } from "../subject.js";
import { detail } from "../views.js";

/**
 * {node, show(answer, asked, note), skeleton(count), busy(note), fail(error)}; acts: mark(id, verdict), clear(), hint(box), all(on).
 * `asked`: what the address asks for, and `only`: whether copies alone are shown; `scoped`: whether that can be chosen; `private`: nothing may be sent of the query.
 */
export function results(gallery, acts) {
  const note = el("p.closer", { data: { role: "progress-note" }, "aria-live": "polite" });
  const bar = el("div.feedback", { hidden: true, role: "group", label: t("feedback") });
  const scope = el("div.scope", { hidden: true });
  const grid = el("ol.hits", { id: "hits", label: t("results") });
  const nothing = el("p.empty", { hidden: true, id: "nothing" });
  const images = new Map(); // id -> img, kept while the ranking changes, so that nothing flickers
  grid.addEventListener("keydown", (event) => {
    const card = event.target.closest?.("[data-id]");
    const key = event.key.toLowerCase();
    if (card && !writing(event) && (key === "g" || key === "b")) one(`[data-act=${key === "g" ? "good" : "bad"}]`, card)?.click();
    if (card && event.key === "Escape") card.classList.add("dismissed");
  });

  function show(answer, asked, text) {
    const held = focused();
    const seen = new Map([...images].filter(([id]) => answer.hits.some((hit) => hit.id === id)));
    images.clear();
    grid.replaceChildren(...answer.hits.map((hit, at) => {
      const img = seen.get(hit.id) ?? thumb(hit, 240);
      images.set(hit.id, img);
      return card(hit, at, "missing" in img.dataset ? hollow() : img, asked);
    }));
    grid.setAttribute("aria-busy", String(Boolean(text)));
    note.textContent = text;
    nothing.hidden = answer.hits.length > 0 || Boolean(text);
    nothing.textContent = answer.query.blank ? t("search.blank") : t(asked.only ? "search.no-copies" : asked.where ? "none-match" : "search.nothing");
    scope.hidden = !asked.scoped || answer.query.blank || Boolean(text);
    scope.replaceChildren(el("p.soft", t(asked.only ? "scope.copies" : "scope.all", { n: answer.hits.length })),
      small(t(asked.only ? "scope.show-all" : "scope.show-copies"), { act: asked.only ? "show-all" : "show-copies", class: answer.hits.length ? "" : "main", onclick: () => acts.all(asked.only) }));
    marks(asked);
    if (held) one(`[data-id="${held.id}"] [data-act="${held.act}"]`, grid)?.focus({ preventScroll: true });
  }

  function focused() {
    const at = grid.contains(document.activeElement) && document.activeElement;
    return at && { id: at.closest("[data-id]")?.dataset.id, act: at.dataset.act };
  }

  function card(hit, at, img, asked) {
    const canMark = asked.kind !== "regions" && asked.good;
    const press = (kind) => tool(t(`${kind}-this`, { name: nameOf(hit) }), kind, {
      "aria-pressed": String(asked[kind].includes(hit.id)), act: kind, title: t(`${kind}-hint`), onclick: () => acts.mark(hit.id, kind),
    });
    const boxes = hit.box && hit.box_in === "image" ? [hit.box] : [];
    const hint = hit.box && hit.box_in === "query" ? hit.box : null;
    const why = el("div.why", { id: `why-${hit.id}`, role: "group", label: t("why") }, reasons(hit));
    const node = el("li", {
      class: "hit", data: { id: hit.id, relation: hit.relation, verified: hit.verified },
      onpointerenter: () => { node.classList.remove("dismissed"); acts.hint(hint); }, onpointerleave: () => acts.hint(null),
      onfocusin: () => acts.hint(hint), onfocusout: () => { node.classList.remove("dismissed"); acts.hint(null); },
    },
    el("div.shot-why",
      el("button", {
        class: "shot", act: "open", label: t("open", { name: nameOf(hit) }), "aria-describedby": why.id,
        onclick: () => detail(hit.id, gallery, { query: asked.private ? null : asked.query.ref, ongone: () => node.remove() }),
      }, mat(hit, img, boxes)), why, moved(hit.id, at, asked)),
    verdict(hit), name(hit), facts(hit),
    el("div.tools",
      el("a.tool", { href: link("search", { id: hit.id }), label: t("similar-to", { name: nameOf(hit) }), title: t("similar"), act: "similar" }, icon("search")),
      !asked.private && el("a.tool", { href: link("compare", { a: asked.query.ref, b: hit.id }), label: t("compare-with", { name: nameOf(hit) }), title: t("compare-query"), act: "compare" }, icon("compare")),
      el("span.gap"), canMark && press("good"), canMark && press("bad")));
    return node;
  }

  /** How far a hit came up or went down by the feedback. */
  function moved(id, at, { order }) {
    if (!order) return null;
    const before = order.indexOf(id);
    if (before === at) return null;
    const by = Math.abs(before - at);
    const text = before < 0 ? t("rank.new") : `${before > at ? "▲" : "▼"}${number(by)}`;
    const said = before < 0 ? t("rank.new") : t(before > at ? "rank.up" : "rank.down", { n: by });
    return el("span.moved", { title: said, data: { moved: before < 0 ? "new" : before - at } },
      el("span", { "aria-hidden": "true" }, text), el("span.unseen", said));
  }

  function reasons(hit) {
    const done = edits(hit);
    const pulls = Object.entries(hit.feedback_contributions ?? {});
    const most = Math.max(...pulls.map(([, part]) => Math.abs(part)));
    return [
      el("p", t(hit.verified || !pulls.length ? `why.${hit.relation}` : "search.by-feedback")),
      done.length > 0 && el("p", `${t("edits")}: ${listed(done)}`),
      hit.inliers > 0 && el("p", t("inliers", { n: hit.inliers })),
      !hit.verified && !pulls.length && hit.relation !== "identical" && el("p", t("search.unverified")),
      pulls.length > 0 && el("dl.pulls", pulls.map(([from, part]) => el("div",
        el("dt", from === "query" ? t("query-short") : [thumb({ id: from }, 32, { alt: "" }), el("span.unseen", `#${from}`)]),
        el("dd", signedBar(-part, most), `${part > 0 ? "+" : "−"}${distance(Math.abs(part))}`)))),
    ];
  }

  /** The images with feedback, each to be taken back. */
  function marks({ good, bad, kind }) {
    bar.hidden = kind === "regions" || !(good.length + bad.length);
    const row = (list, verdict) => list.map((id) =>
      el("button", { class: `mark-${verdict}`, title: t("take-back", { name: `#${id}` }), data: { marked: id, verdict }, onclick: () => acts.mark(id, verdict) },
        thumb({ id }, 48, { alt: "" })));
    bar.replaceChildren(
      good.length ? el("span.marks", el("span", t("relevant")), row(good, "good")) : "",
      bad.length ? el("span.marks", el("span", t("not-relevant")), row(bad, "bad")) : "",
      small(t("clear"), { act: "clear-feedback", onclick: acts.clear }));
  }

  return {
    node: el("section.results", { label: t("results") }, el("h2.unseen", t("results")), bar, el("div.said", note, scope), nothing, grid),
    show,
    busy(text) { note.textContent = text; grid.setAttribute("aria-busy", "true"); },
    skeleton(count) {
      nothing.hidden = true;
      scope.hidden = true;
      bar.hidden = true;
      grid.replaceChildren(...Array.from({ length: Math.min(count, 12) }, () => el("li.hit.skeleton", { "aria-hidden": "true" }, el("span.mat"), el("p"), el("p"))));
    },
    fail(error) {
      note.textContent = "";
      grid.setAttribute("aria-busy", "false");
      for (const node of all(".skeleton", grid)) node.remove();
      if (grid.children.length) return;
      nothing.hidden = false;
      nothing.textContent = error.message;
    },
  };
}
