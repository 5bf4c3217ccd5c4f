// The box for words: what an image is to show, and, where a gallery leaves a choice, which network reads it.
import { el, select, submit } from "./dom.js";
import { named, t } from "./language.js";
import { go } from "./route.js";

/** `value`, `by`: what was asked for last. `beside`: what else the address keeps; the words may be none where there is any. */
export function textbox(gallery, value = "", by = "", beside = {}) {
  const choices = gallery.text_by;
  const input = el("input", { type: "search", name: "text", value, maxlength: 500, required: !Object.values(beside).some(Boolean), placeholder: t("text.example"), "aria-label": t("text.ask") });
  const reader = choices.length > 1 && select(choices.map((name) => [name, named("text-by", name)]), choices.includes(by) ? by : choices[0],
    () => { if (input.value.trim()) form.requestSubmit(); }, { label: t("text.by"), data: { control: "text-by" } });
  const form = el("form.row.textbox", { role: "search", onsubmit: (event) => { event.preventDefault(); ask(); } },
    input, reader, submit(t("text.search"), "search-text"));
  const ask = () => go("search", { ...beside, text: input.value.trim(), by: reader && reader.value !== choices[0] ? reader.value : "" });
  return form;
}
