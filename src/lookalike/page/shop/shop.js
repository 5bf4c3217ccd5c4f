// The shop: a shelf with facets, and what is like one of its items, or like a photograph, with the visitor's judgement.
import * as api from "../api.js";
import { button, el, icon, small, submit, tool } from "../dom.js";
import { img, mat } from "../image.js";
import { chooser, fits, intake } from "../intake.js";
import { number, t } from "../language.js";
import { complain, say } from "../live.js";
import { go, link } from "../route.js";
import { keep, subject } from "../subject.js";
import { detail } from "../views.js";
import { facetList, whereOf } from "./facets.js";
import { reasons } from "./reasons.js";

const LIKE = 24; // items that are shown as like one
const codes = (text) => (text ? text.split("|") : []);

export function mount(root, gallery) {
  const place = el("div", { id: "shop" });
  root.append(place);
  const under = new AbortController(); // what goes on until the view is left

  const take = (file) => { if (fits(file, gallery)) go("shop", { photo: keep(file) }); };

  async function update(params, signal) {
    place.setAttribute("aria-busy", "true");
    try {
      const asked = await askedFor(params, signal);
      const where = whereOf(params);
      const shelf = await api.shelf({ where, text: asked ? "" : params.get("text"), limit: asked ? 1 : 60 }, signal);
      const answer = asked ? await asked.answer(where, signal) : shelf;
      if (signal.aborted) return;
      show(params, asked, shelf, answer);
    } catch (error) {
      if (api.aborted(error)) return;
      place.replaceChildren(el("p.empty", error.message));
      complain(error);
    }
    place.setAttribute("aria-busy", "false");
  }

  function show(params, asked, shelf, answer) {
    const list = el("ol.shelf", { id: "shelf", label: t(asked ? "results" : "shop.items", { n: shelf.total }) }, answer.items.map((one) => card(one, params, asked)));
    const said = asked ? t("shop.like-count", { n: answer.items.length }) : t("shop.items", { n: shelf.total });
    place.replaceChildren(...[
      el("div.view-head",
        el("div", el("h1.view-title", asked ? asked.title : t("view.shop")), el("p.lede", { id: "shop-count" }, said)),
        asked ? button(t("shop.all"), { act: "all-items", onclick: () => go("shop", kept(params, { like: null, photo: null, good: null, bad: null })) }) : ways(params)),
      asked && el("div.card.shop-asked", asked.node, feedback(params)),
      el("div.shop-view", facetList(shelf.facets, params, (set) => go("shop", kept(params, set))),
        el("section", answer.items.length ? list : el("p.empty", { id: "nothing" }, t("shop.none")), !asked && further(shelf, params, list))),
    ].filter(Boolean));
    say(said, true);
  }

  /** What is looked for, if anything: {title, node, answer(where)}. */
  async function askedFor(params, signal) {
    const judged = { k: LIKE, text: params.get("text"), good: codes(params.get("good")), bad: codes(params.get("bad")) };
    if (params.get("like")) {
      const one = await api.item(params.get("like"), signal);
      const shown = one.images.length ? img(api.thumbnail(one.images[0], 160), "") : null;
      return {
        code: one.id, title: t("shop.like", { name: one.title || one.id }), node: el("div.shop-asked-item", shown, facts(one)),
        answer: (where, signal) => api.itemsLike(one.id, { ...judged, where }, signal),
      };
    }
    if (!params.get("photo")) return null;
    const photo = await subject(params.get("photo"), signal);
    if (!photo) { say(t("gone")); location.replace(link("shop")); return null; }
    const by = gallery.by.some((one) => one.name === "regions") ? "regions=2,content=1" : "";
    return {
      title: t("shop.like-photo"), node: el("div.shop-asked-item", img(photo.url, photo.name)),
      answer: (where, signal) => api.itemsLikeImage(photo, { k: LIKE, where, by }, signal),
    };
  }

  function card(one, params, asked) {
    const image = one.image ?? one.images[0];
    const called = one.title || one.id;
    const judge = (kind) => {
      const list = codes(params.get(kind));
      const on = list.includes(one.id);
      const other = kind === "good" ? "bad" : "good";
      const next = on ? list.filter((code) => code !== one.id) : [...list, one.id];
      return tool(t(`shop.${kind}`, { name: called }), kind, { act: kind, "aria-pressed": String(on), onclick: () =>
        go("shop", kept(params, { [kind]: next.join("|"), [other]: codes(params.get(other)).filter((code) => code !== one.id).join("|") })) });
    };
    return el("li", { data: { item: one.id } },
      image ? el("button", { class: "shot", act: "open", label: t("open", { name: called }), onclick: () => detail(image, gallery) }, mat({ id: image, width: 1, height: 1 }, img(api.thumbnail(image, 240), "", { loading: "lazy" })))
        : el("span.mat", el("span.none", icon("image"), el("span", t("shop.no-image")))),
      el("p.name", { title: called }, el("bdi", called)), facts(one),
      asked && reasons(one),
      one.variants?.length > 0 && el("p.soft.small", t("shop.variants", { n: one.variants.length })),
      el("div.shop-tools", el("a.button.small", { href: link("shop", kept(params, { like: one.id, photo: null, good: null, bad: null, text: null })), act: "like" }, t("shop.more-like")),
        el("span.shop-gap"), asked?.code && judge("good"), asked?.code && judge("bad")));
  }

  /** What a photograph or words are given by. */
  function ways(params) {
    const words = el("input", { type: "search", value: params.get("text") ?? "", label: t("shop.words"), placeholder: t("shop.words"), data: { role: "words" } });
    return el("form.row.tight", { role: "search", onsubmit: (event) => { event.preventDefault(); go("shop", kept(params, { text: words.value.trim() })); } },
      words, submit(t("shop.search"), "search-items"), chooser(take, t("shop.photo"), { class: "small" }));
  }

  function feedback(params) {
    const counts = ["good", "bad"].map((kind) => codes(params.get(kind)).length);
    return counts.some(Boolean) && el("p.row.tight", { id: "judged" }, t("shop.judged", { good: counts[0], bad: counts[1] }),
      small(t("clear"), { act: "clear-judged", onclick: () => go("shop", kept(params, { good: null, bad: null })) }));
  }

  function further(shelf, params, list) {
    const row = el("p.row.centre");
    const next = (page) => row.replaceChildren(...(page.next ? [button(t("more"), { act: "more", onclick: async () => {
      try {
        const following = await api.shelf({ where: whereOf(params), text: params.get("text"), limit: 60, cursor: page.next }, under.signal);
        list.append(...following.items.map((one) => card(one, params, null)));
        next(following);
      } catch (error) { if (!api.aborted(error)) complain(error); }
    } })] : []));
    next(shelf);
    return row;
  }

  const stop = intake(root, take);
  return { update, leave() { stop(); under.abort(); } };
}

/** The price first, then the rest. */
function facts(one) {
  const { price, ...others } = one.values;
  const said = Object.entries(others).filter(([name]) => name !== "variant_of").slice(0, 4);
  return el("p.data", price !== undefined && el("strong.shop-price", typeof price === "number" ? number(price, Number.isInteger(price) ? 0 : 2) : price),
    said.map(([name, value]) => el("span", { title: name }, el("bdi", typeof value === "number" ? `${name} ${number(value, Number.isInteger(value) ? 0 : 1)}` : value))));
}

const kept = (params, set) => ({ ...Object.fromEntries(params), ...set });

