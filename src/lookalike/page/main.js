// The frame: the header, the views, which of them is shown.
import * as api from "./api.js";
import { all, button, el, icon, one, remember, tool } from "./dom.js";
import { language, speak, t } from "./language.js";
import { calm, complain } from "./live.js";
import { here, link, TABS } from "./route.js";
import { load } from "./views.js";

let shown = null; // {name, update(params, signal), leave()}
let sells = false; // whether the library has a catalogue
let under = new AbortController(); // what an address began ends with it

function frame() {
  one("#skip").textContent = t("skip");
  const toggle = () => {
    const { dataset } = document.documentElement;
    const dark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const theme = dark ? "light" : "dark";
    dataset.theme = theme;
    remember("lookalike-theme", theme);
    document.dispatchEvent(new Event("theme"));
  };
  const other = language === "en" ? ["zh-CN", "中文"] : ["en", "English"];
  const switched = () => { speak(other[0]); frame(); show(true); one("#language").focus(); };
  one("#top").replaceChildren(el("div.wide.top-line",
    el("a.mark", { href: "#/search", label: "Lookalike" }, el("img", { src: "/page/icon.svg", alt: "", width: 26, height: 26 }), el("span", "Lookalike")),
    el("nav.views", { label: t("views") }, TABS.map((tab) =>
      el("a", { href: link(tab), data: { tab }, hidden: tab === "shop" && !sells }, icon(tab), el("span", t(`view.${tab}`))))),
    el("div.prefs",
      button(other[1], { id: "language", class: "quiet", lang: other[0], onclick: switched }),
      tool(t("theme"), "theme", { id: "theme", onclick: toggle }))));
}

/** Mounts the view of the address, or tells the one that is shown of its new parameters. */
async function show(anew = false) {
  const { tab, view, params } = here();
  calm();
  under.abort();
  under = new AbortController();
  const { signal } = under;
  for (const one of all("#top [data-tab]")) {
    if (one.dataset.tab === tab) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  document.title = `${t(`view.${tab}`)} · Lookalike`;
  const update = () => shown.update(params, signal).catch(complain);
  if (!anew && shown?.name === view) { update(); return; }
  const moved = shown && shown.name !== view;
  shown?.leave();
  shown = null;
  const root = one("#content");
  root.replaceChildren();
  root.dataset.view = view;
  try {
    const [gallery, { mount }] = await Promise.all([api.gallery(), load(view)]);
    if (signal.aborted) return;
    sells = gallery.items > 0;
    one("[data-tab=shop]").hidden = !sells;
    shown = { name: view, ...mount(root, gallery) };
    if (moved) { scrollTo(0, 0); root.focus({ preventScroll: true }); }
    update();
  } catch (error) {
    if (!signal.aborted) unreachable(root, error);
  }
}

function unreachable(root, error) {
  complain(error);
  root.replaceChildren(el("div.empty", el("h1", t("unreachable")), el("p", error.message),
    button(t("again"), { onclick: () => show(true) })));
}

document.addEventListener("locked", () => {
  under.abort();
  shown?.leave();
  shown = null;
  one("#content").replaceChildren(el("div.empty", { id: "locked" }, el("h1", t("locked")), el("p", t("locked-how"))));
});

one("#skip").addEventListener("click", (event) => { event.preventDefault(); one("#content").focus(); });
addEventListener("hashchange", () => show());
addEventListener("unhandledrejection", (event) => { complain(event.reason); });
speak(language);
frame();
show(true);
