// One person: all photographs, each with the box of the face; renamed, split, forgotten.
import * as api from "../api.js";
import { all, button, el } from "../dom.js";
import { mat, name, thumb } from "../image.js";
import { follow } from "../jobs.js";
import { percent, t } from "../language.js";
import { complain, say } from "../live.js";
import { go, link } from "../route.js";
import { nameOf } from "../subject.js";
import { back, called, doing, everybody, nameOrJoin, naming, sure } from "./faces.js";

export async function person(params, gallery, signal, whole) {
  const number = Number(params.get("who"));
  const first = await api.person(number, null, signal);
  await everybody(signal);
  const list = el("ul.person-photos", { label: t("people.photos", { n: first.total }) });
  const more = el("p.row.centre");
  const show = (page) => {
    list.append(...page.faces.map((one) => shown(one, gallery)));
    more.replaceChildren(...(page.next ? [button(t("more"), { act: "more", onclick: () => api.person(number, page.next, whole).then(show).catch(complain) })] : []));
  };
  show(first);
  const renamed = async (said) => { const now = await nameOrJoin(number, said); if (now && now !== number) go("people", { who: now }); };
  const acts = !gallery.read_only && el("div.row", { id: "person-acts" },
    naming(t("people.who"), renamed, { value: first.name ?? "", act: "rename" }),
    button(t("people.forget"), { act: "forget", onclick: () => forget(first, whole) }));
  return [
    back(),
    el("div.view-head", el("div", el("h1.view-title", el("bdi", called(first))), el("p.lede", t("people.faces", { n: first.total }))), acts),
    ...(gallery.read_only ? [] : [splitting(list)]),
    list, more,
  ];
}

function shown(one, gallery) {
  return el("li", { data: { id: one.id, face: one.face.number } },
    el("a.shot", { href: link("people", { photo: one.id }), label: t("open", { name: nameOf(one) }) }, mat(one, thumb(one, 320, { alt: "" }), [one.face.box])),
    el("div.row.between", name(one), !gallery.read_only && el("input", { type: "checkbox", label: t("people.choose", { name: nameOf(one) }), act: "tick" })),
    el("p.data", el("span", one.source === "user" ? t("people.your-word") : t("people.sure-of", { share: percent(one.probability) }))));
}

/** What appears once a face is ticked: that it is somebody else's. */
function splitting(list) {
  const ticked = () => all("li:has(input:checked)", list).map((one) => [Number(one.dataset.id), Number(one.dataset.face)]);
  const bar = el("div.card.people-bar", { hidden: true, data: { role: "split" } });
  list.addEventListener("change", () => {
    const count = ticked().length;
    bar.hidden = count === 0;
    const nobody = button(t("people.nobody"), { act: "nobody", onclick: () => doing(bar, () => api.sayNobody(ticked())) });
    bar.replaceChildren(el("p", t("people.ticked-faces", { n: count })),
      naming(t("people.other"), (said) => api.sayPerson(ticked(), said || null), { button: t("people.split"), act: "split", empty: true }), nobody);
  });
  return bar;
}

async function forget(one, whole) {
  if (!(await sure(t("people.forget-sure", { name: called(one), n: one.total }), t("people.forget-yes"), "alarm"))) return;
  try {
    const ended = await follow(await api.forgetPerson(one.number), () => { /* seconds */ }, whole);
    if (ended.error) throw new Error(ended.error);
    const { faces, alike } = ended.result;
    say([t("people.forgotten", { name: called(one), n: faces }), alike.length > 0 && t("people.alike", { n: alike.length })].filter(Boolean).join("\n"));
    go("people");
  } catch (error) { complain(error); }
}
