// What is said aside: news politely, problems at once, both for eyes and for screen readers.
import { el, one, tool } from "./dom.js";
import { t } from "./language.js";

let fading = 0;

/** `quiet`: for screen readers alone, where eyes see it anyway. */
export function say(text, quiet = false) {
  clearTimeout(fading);
  one("#status").classList.toggle("unseen", quiet);
  one("#status").textContent = text;
  fading = setTimeout(() => { one("#status").textContent = ""; }, 7000);
}

/** An error, until it is closed. What was broken off on purpose is none. */
export function complain(error) {
  if (error?.name === "AbortError") return;
  const text = error instanceof TypeError && /fetch|network/i.test(error.message) ? t("offline") : error?.message ?? String(error);
  if (!(error?.status)) console.warn(error);
  const box = one("#alert");
  box.replaceChildren(el("p", text), tool(t("close"), "close", { onclick: calm }));
  box.hidden = false;
  (document.querySelector("dialog[open]") ?? document.body).append(box); // above a modal dialog
}

export function calm() {
  const box = one("#alert");
  document.body.append(box);
  box.hidden = true;
  box.replaceChildren();
}
