// The start: there is nothing yet to search with.
import * as api from "../api.js";
import { el } from "../dom.js";
import { thumb } from "../image.js";
import { cameraButton, chooser, fits, intake } from "../intake.js";
import { t } from "../language.js";
import { privacySwitch } from "../private.js";
import { go, link } from "../route.js";
import { keep, nameOf } from "../subject.js";
import { textbox } from "../textbox.js";

const SAMPLES = 12;
const EXAMPLES = ["cat", "people", "street", "blue at the top"];

export function mount(root, gallery) {
  const take = (file) => { if (fits(file, gallery)) go("search", { id: keep(file) }); };
  const samples = el("ul.samples", { label: t("start.samples") });
  root.append(el("h1.view-title", t("start.title")), textbox(gallery),
    el("p.soft", t("start.words"), " ", EXAMPLES.flatMap((text) => [el("a", { href: link("search", { text }), act: "example" }, text), " "])),
    el("div.drop", { data: { role: "drop" } }, el("p.big", t("drop")),
      el("div.row.centre", chooser(take, t("choose"), { class: "main" }), cameraButton(take)), el("p.soft", t("start.paste")), privacySwitch()),
    gallery.images ? el("h2.start-samples", t("start.samples")) : el("p.empty", t("library.empty"), " ", el("a", { href: link("library") }, t("view.library"))), samples);
  const stop = intake(root, take);

  async function update(params, signal) {
    if (!gallery.images) return;
    const every = await api.allIds(gallery.videos ? "codec is null" : "", signal);
    const step = Math.max(1, Math.floor(every.length / SAMPLES));
    const images = await api.images(every.filter((_, at) => at % step === 0).slice(0, SAMPLES), signal);
    samples.replaceChildren(...images.map((image) =>
      el("li", el("a", { href: link("search", { id: image.id }), data: { id: image.id } }, thumb(image, 160, { alt: t("similar-to", { name: nameOf(image) }) })))));
  }

  return { update, leave: stop };
}
