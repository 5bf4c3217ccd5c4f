// One image of the library, large, with all that is known of it and what can be done with it.
import * as api from "../api.js";
import { button, dialog, el } from "../dom.js";
import { mat, objects, outline, size, thumb } from "../image.js";
import { bytes, clock, date, listed, named, number, percent, t } from "../language.js";
import { complain, say } from "../live.js";
import { link } from "../route.js";
import { nameOf } from "../subject.js";
import { filmstrip, player } from "../video.js";

/** Opens the image; `ongone(id)` when it was forgotten. `query`: the subject it may be compared with; `text`: words whose places are shown. */
export async function detail(id, gallery, { ongone, query, text } = {}) {
  let image;
  try { image = await api.image(id); } catch (error) { complain(error); return; }
  const leave = (to) => () => { box.close(); location.hash = to; };
  const acts = el("div.row.acts",
    !image.codec && button(t("similar"), { class: "main", act: "similar", onclick: leave(link("search", { id })) }, "search"),
    gallery.videos > 0 && button(t("view.videos"), { class: image.codec ? "main" : "", act: "videos", onclick: leave(link("videos", { id })) }, "videos"),
    !image.codec && gallery.faces.length > 0 && button(t("view.people"), { act: "people", onclick: leave(link("people", { photo: id })) }, "people"),
    !image.codec && query && query !== String(id) && button(t("compare-query"), { act: "compare", onclick: leave(link("compare", { a: query, b: id })) }, "compare"),
    !image.codec && button(t("compare-other"), { act: "compare-other", onclick: leave(link("compare", { a: id })) }, "compare"),
    gallery.retention === "paths" && el("a.button", { href: api.fileOf(id), target: "_blank", rel: "noopener" }, t("open-file")),
    !gallery.read_only && button(t("forget"), { act: "forget", onclick: () => forget(false) }),
    !gallery.read_only && gallery.retention === "paths" && button(t("trash"), { act: "trash", onclick: () => forget(true) }));
  const shown = image.codec ? el("div.row", player(image, gallery), filmstrip(image)) : mat(image, thumb(image, 800, { loading: "eager" }));
  const why = el("dl.known.places", { hidden: true });
  const box = dialog(nameOf(image), t("close"), el("div.detail", shown, el("div", why, known(image), acts)));
  box.dataset.detail = id;
  if (text && !image.codec) places();

  /** Which part shows each word: a box that is told apart while its word is pointed at. */
  async function places() {
    let found;
    try { found = await api.wordsIn(id, text); } catch { return; /* the file is away, or other words are read: the image is shown all the same */ }
    why.hidden = !found.length;
    why.replaceChildren(...found.map((one) => {
      const drawn = one.box && outline(one.box, image.width, image.height, "part");
      if (drawn) shown.querySelector(".frame").append(drawn);
      const mark = (on) => () => drawn?.classList.toggle("pointed", on);
      return el("div", { data: { word: one.word }, onpointerenter: mark(true), onpointerleave: mark(false) },
        el("dt", one.word), el("dd", listed([one.name === one.word ? "" : one.name, percent(one.probability), one.box || one.kind === "file" ? "" : t("whole")].filter(Boolean))));
    }));
  }

  function forget(trash) {
    const sure = button(t(trash ? "trash" : "forget"), { class: "alarm", act: "sure", onclick: async () => {
      sure.disabled = true;
      try {
        await api.forget(id, trash);
        box.close();
        say(t(trash ? "trashed" : "forgotten", { name: nameOf(image) }));
        ongone?.(id);
      } catch (error) { complain(error); sure.disabled = false; }
    } });
    const back = button(t("cancel"), { onclick: () => question.replaceWith(acts) });
    const question = el("div.question", { role: "group", label: t("sure") },
      el("p", t(trash ? "trash-sure" : "forget-sure", { name: nameOf(image) })), el("div.row", sure, back));
    acts.replaceWith(question);
    back.focus();
  }
}

function known(image) {
  const rows = [
    ["path", image.path], ["size", size(image)], ["bytes", bytes(image.bytes)], ["format", image.format],
    ["taken", image.taken && date(image.taken)], ["camera", image.camera],
    ["duration", image.duration && clock(image.duration, 1)], ["codec", image.codec], ["fps", image.fps && number(image.fps, 2)],
    ["bitrate", image.bitrate && `${bytes(image.bitrate / 8)}/s`], ["frames", image.frames > 1 && image.frames], ["damage", image.damage],
    ["labels", listed(image.labels.map((one) => [one.label, one.probability < 1 && percent(one.probability), `(${one.source})`].filter(Boolean).join(" ")))],
    ["objects", objects(image)], ["id", image.id], ["SHA-256", image.sha256],
  ];
  return el("dl.known", rows.filter(([, value]) => value).map(([name, value]) =>
    el("div", el("dt", ["camera", "duration"].includes(name) ? t(name) : named("known", name)), el("dd", { class: name === "SHA-256" || name === "path" ? "code" : "" }, String(value)))));
}
