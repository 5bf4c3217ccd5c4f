// What several of these pages show: a face as a square, a field for a name, a question before something is done.
import * as api from "../api.js";
import { button, dialog, el, submit } from "../dom.js";
import { img } from "../image.js";
import { t } from "../language.js";
import { complain, say } from "../live.js";
import { again, link } from "../route.js";

export const called = (one) => one.name ?? t("people.number", { number: String(one.number ?? one.person) });

/** The face of this number in an image, cut out. */
export const face = (image, number, alt = "") => img(api.faceOf(image, number), alt, { class: "face", loading: "lazy" });

export const back = () => el("p", el("a", { href: link("people"), act: "back" }, t("people.back")));

let names = []; // of the persons that there are
let fields = 0;

/** The first persons, {persons, next, total}; the named ones come first, and their names are offered wherever one is written. */
export async function everybody(signal) {
  const page = await api.persons(null, signal);
  names = page.persons.filter((one) => one.name).map((one) => one.name);
  return page;
}

/** A field for a name, with those that there are. `said(name)` is called with what is written; then all is shown anew. */
export function naming(text, said, props = {}) {
  const known = el("datalist", { id: `names-${(fields += 1)}` }, names.map((name) => el("option", { value: name })));
  const field = el("input", { type: "text", list: known.id, maxlength: 200, autocomplete: "off", placeholder: text, label: text, value: props.value });
  const form = el("form.row.tight.naming", { act: props.act ?? "name", onsubmit: (event) => {
    event.preventDefault();
    const name = field.value.trim();
    if (name || props.empty) doing(form, () => said(name));
  } }, field, known, submit(props.button ?? t("people.name"), "say-name"));
  return form;
}

/** Does what was asked for once, and shows what has become of it. */
export async function doing(node, act) {
  const controls = [...node.querySelectorAll("button, input")];
  for (const one of controls) one.disabled = true;
  try {
    await act();
    again();
  } catch (error) { complain(error); }
  for (const one of controls) one.disabled = false;
}

/** Names a person. If somebody is called so already, the two become one, and that is asked first. */
export async function nameOrJoin(number, name) {
  const joins = names.includes(name);
  if (joins && !(await sure(t("people.join-sure", { name }), t("people.join")))) return null;
  const { person } = await api.namePerson(number, name);
  say(t(joins ? "people.joined" : "people.named", { name }));
  return person;
}

/** Whether a person says yes. */
export function sure(question, yes, kind = "main") {
  return new Promise((answered) => {
    let answer = false;
    const go = button(yes, { class: kind, act: "sure", onclick: () => { answer = true; box.close(); } });
    const box = dialog(t("people.sure"), t("close"), el("p", question), el("p.row.end", button(t("cancel"), { act: "unsure", onclick: () => box.close() }), go));
    box.classList.add("people-sure");
    box.addEventListener("close", () => answered(answer));
  });
}
