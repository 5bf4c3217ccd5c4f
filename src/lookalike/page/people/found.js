// Where one face is: the faces of the library that are most like it, each in its photograph.
import * as api from "../api.js";
import { el } from "../dom.js";
import { img, mat, name, outline, thumb } from "../image.js";
import { percent, t } from "../language.js";
import { say } from "../live.js";
import { link } from "../route.js";
import { nameOf, subject } from "../subject.js";
import { back } from "./faces.js";

const COUNT = 60;
const FEW = 0.5; // the probability from which it is said to be the person

export async function found(params, gallery, signal) {
  const asked = await subject(params.get("id"), signal);
  if (!asked) { say(t("gone")); location.replace(link("people")); return []; }
  const { query, hits } = await api.searchFaces(asked, { face: params.get("face"), k: COUNT }, signal);
  const others = hits.filter((hit) => hit.id !== query.id || hit.face.number !== query.face.number);
  const same = others.filter((hit) => hit.probability >= FEW);
  const shown = mat(query, img(asked.url, asked.name));
  if (!query.turned) shown.firstChild.append(outline(query.face.box, query.width, query.height));
  say(t("people.found", { n: same.length }), true);
  return [
    back(),
    el("h1.view-title", t("people.where")),
    el("div.found-face", el("div", shown, el("p.soft", t("people.found", { n: same.length }))),
      el("ol.person-photos", { id: "face-hits", label: t("results") }, (same.length ? same : others.slice(0, 6)).map(item))),
  ];
}

function item(hit) {
  return el("li", { data: { id: hit.id, face: hit.face.number } },
    el("a.shot", { href: link("people", { photo: hit.id }), label: t("open", { name: nameOf(hit) }) }, mat(hit, thumb(hit, 320, { alt: "" }), [hit.face.box])),
    name(hit), el("p.data", el("span", t("people.same", { share: percent(hit.probability) })), hit.person && !/^\d+$/.test(hit.person) && el("span", el("bdi", hit.person))));
}
