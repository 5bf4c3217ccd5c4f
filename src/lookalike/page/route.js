// Where we are: #/tab?name=value. The address is the state, so that links, back and forward work.

export const TABS = ["search", "compare", "duplicates", "library", "people", "shop", "map"];
const VIEWS = [...TABS, "videos"]; // those without a tab are reached from others

/** `view`: the tab's own, or the start while there is nothing yet to search with. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const tab = VIEWS.includes(path) ? path : "search";
  const params = new URLSearchParams(query);
  return { tab, view: tab === "search" && !params.get("id") ? (["text", "not", "like"].some((name) => params.get(name)) ? "text" : "start") : tab, params };
}

/** What is set of some fields, as [name, value]; an empty list is not. */
export const given = (fields) => Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && String(value) !== "");

export function link(tab, params = {}) {
  const query = new URLSearchParams(given(params)).toString().replaceAll("%2C", ",");
  return `#/${tab}${query ? `?${query}` : ""}`;
}

export function go(tab, params = {}) {
  const to = link(tab, params);
  if (to !== location.hash) location.hash = to;
}

/** The view's own address once more: something has changed. */
export const again = () => dispatchEvent(new Event("hashchange"));

export const ids = (text) => (text ?? "").split(",").filter((word) => /^\d+$/.test(word)).map(Number);
