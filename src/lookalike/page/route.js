// Where we are: #/view?name=value. The address is the state, so that links, back and forward work.

export const VIEWS = ["search", "compare", "duplicates", "library", "map"];

export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: VIEWS.includes(path) ? path : "search", params: new URLSearchParams(query) };
}

/** What is set of some fields, as [name, value]; an empty list is not. */
export const given = (fields) => Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && String(value) !== "");

export function link(view, params = {}) {
  const query = new URLSearchParams(given(params)).toString().replaceAll("%2C", ",");
  return `#/${view}${query ? `?${query}` : ""}`;
}

export function go(view, params = {}) {
  const to = link(view, params);
  if (to !== location.hash) location.hash = to;
}

/** The view's own address once more: something has changed. */
export const again = () => dispatchEvent(new Event("hashchange"));

export const ids = (text) => (text ?? "").split(",").filter((word) => /^\d+$/.test(word)).map(Number);
