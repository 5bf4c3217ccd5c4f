// The box for words: what an image is to show.
import { el, submit } from "./dom.js";
import { t } from "./language.js";
import { go } from "./route.js";

export function textbox(value = "") {
  const input = el("input", { type: "search", name: "text", value, maxlength: 500, required: true, placeholder: t("text.example"), "aria-label": t("text.ask") });
  return el("form.row.textbox", { role: "search", onsubmit: (event) => { event.preventDefault(); go("search", { text: input.value.trim() }); } },
    input, submit(t("text.search"), "search-text"));
}
