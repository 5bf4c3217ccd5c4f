// One photograph and all faces in it: whose each is, and where else it is to be seen.
import * as api from "../api.js";
import { button, el, small } from "../dom.js";
import { mat, outline, thumb } from "../image.js";
import { percent, t } from "../language.js";
import { link } from "../route.js";
import { nameOf } from "../subject.js";
import { detail } from "../views.js";
import { back, called, doing, everybody, face, naming } from "./faces.js";

export async function photo(params, gallery, signal) {
  const image = await api.image(params.get("photo"), signal);
  const faces = await api.facesOf(image.id, signal);
  await everybody(signal);
  const pane = mat(image, thumb(image, 800, { loading: "eager" }));
  const rows = faces.map((one) => row(image, one, gallery));
  faces.forEach((one, at) => pane.firstChild.append(boxed(image, one, rows[at])));
  return [
    back(),
    el("div.view-head", el("h1.view-title", el("bdi", nameOf(image))), button(t("people.all-of-it"), { act: "detail", onclick: () => detail(image.id, gallery) })),
    el("div.photo-view", pane, faces.length ? el("ol.photo-faces", { id: "photo-faces", label: t("people.in-it") }, rows) : el("p.empty", t("people.no-face"))),
  ];
}

/** A box with its number, which leads to its row. */
function boxed(image, one, row) {
  const { style } = outline(one.face.box, image.width, image.height);
  const node = el("button.photo-box", { label: t("people.face", { n: one.face.number }), data: { flaw: one.face.flaw ?? "" }, onclick: () => { row.scrollIntoView({ block: "nearest" }); row.querySelector("input, a, button")?.focus(); } },
    el("span", one.name ?? String(one.face.number)));
  for (const side of ["left", "top", "width", "height"]) node.style[side] = style[side];
  return node;
}

function row(image, one, gallery) {
  const { number, flaw } = one.face;
  const mine = [[image.id, number]];
  const spoken = one.source === "user";
  const said = flaw ? t(`people.flaw.${flaw}`) : spoken ? t("people.nobodys") : t("people.undecided");
  const whose = one.person ? el("a", { href: link("people", { who: one.person }) }, el("bdi", called(one))) : el("span.soft", said);
  const certain = one.person && (spoken ? t("people.your-word") : t("people.sure-of", { share: percent(one.probability) }));
  const node = el("li", { data: { face: number } }, face(image.id, number),
    el("div.photo-face", el("p", `${number}. `, whose, " ", certain && el("small", certain)),
      !gallery.read_only && flaw !== "forgotten" && naming(t("people.who"), (name) => api.sayPerson(mine, name)),
      el("div.row.tight",
        !flaw && el("a.button.small", { href: link("people", { id: image.id, face: number }), act: "search-face" }, t("people.where")),
        !gallery.read_only && !flaw && !spoken && small(t("people.nobody"), { act: "nobody", onclick: () => doing(node, () => api.sayNobody(mine)) }))));
  return node;
}
