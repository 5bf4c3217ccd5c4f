// The frame: the header, the views, which of them is shown.
import { get } from "./api.js";
import { all, button, el, icon, one, tool } from "./dom.js";
import { language, speak, t } from "./language.js";
import { calm, complain } from "./live.js";
import { here, link, VIEWS } from "./route.js";
import * as compare from "./compare.js";
import * as duplicates from "./duplicates.js";
import * as library from "./library.js";
import * as map from "./map.js";
import * as search from "./search.js";

const MODULES = { search, compare, duplicates, library, map };
let gallery = null;
let locked = false;
let shown = null; // {name, update(params), leave()}

function header() {
  const dark = () => getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const toggle = () => {
    const theme = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("lookalike-theme", theme); } catch { /* a private window remembers nothing */ }
    document.dispatchEvent(new Event("theme"));
  };
  const other = language === "en" ? ["zh-CN", "中文"] : ["en", "English"];
  const switched = () => { speak(other[0]); frame(); show(true); one("#language").focus(); };
  one("#top").replaceChildren(el("div.wide.top-line",
    el("a.mark", { href: "#/search", label: "Lookalike" }, logo(), el("span", "Lookalike")),
    el("nav.views", { label: t("views") }, VIEWS.map((view) =>
      el("a", { href: link(view), data: { view } }, icon(view), el("span", t(`view.${view}`))))),
    el("div.prefs",
      button(other[1], { id: "language", class: "quiet", lang: other[0], onclick: switched }),
      tool(t("theme"), "theme", { id: "theme", onclick: toggle }))));
}

function logo() {
  return el("img", { src: "/page/icon.svg", alt: "", width: 26, height: 26 });
}

function frame() {
  one("#skip").textContent = t("skip");
  header();
}

/** Mounts the view of the address, or tells the one that is shown of its new parameters. */
async function show(anew = false) {
  const { view, params } = here();
  calm();
  locked = false;
  for (const tab of all("#top [data-view]")) {
    if (tab.dataset.view === view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.title = `${t(`view.${view}`)} · Lookalike`;
  if (!anew && shown?.name === view) return shown.update(params);
  const moved = shown && shown.name !== view;
  shown?.leave?.();
  shown = null;
  const root = one("#content");
  root.replaceChildren();
  root.dataset.view = view;
  try {
    gallery = await get("/v1/gallery");
    if (here().view !== view) return undefined;
    const mounted = MODULES[view].mount(root, gallery);
    shown = { name: view, ...mounted };
    if (moved) { scrollTo(0, 0); root.focus({ preventScroll: true }); }
    return shown.update(here().params);
  } catch (error) {
    return locked ? undefined : unreachable(root, error);
  }
}

function unreachable(root, error) {
  complain(error);
  root.replaceChildren(el("div.empty", el("h1", t("unreachable")), el("p", error.message),
    button(t("again"), { onclick: () => show(true) })));
}

document.addEventListener("locked", () => {
  locked = true;
  shown?.leave?.();
  shown = null;
  one("#content").replaceChildren(el("div.empty", { id: "locked" }, el("h1", t("locked")), el("p", t("locked-how"))));
});

one("#skip").addEventListener("click", (event) => { event.preventDefault(); one("#content").focus(); });
addEventListener("hashchange", () => show());
addEventListener("unhandledrejection", (event) => { complain(event.reason); });
speak(language);
frame();
show(true);
