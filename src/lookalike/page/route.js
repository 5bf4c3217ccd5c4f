// Where we are: #/view?name=value. The address is the state, so that links, back and forward work.

export const VIEWS = ["search", "compare", "duplicates", "library", "map"];

export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: VIEWS.includes(path) ? path : "search", params: new URLSearchParams(query) };
}

export function link(view, params = {}) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "" && value !== false && String(value) !== "") words.set(name, value);
  }
  const query = words.toString().replaceAll("%2C", ",");
  return `#/${view}${query ? `?${query}` : ""}`;
}

export function go(view, params = {}) {
  const to = link(view, params);
  if (to !== location.hash) location.hash = to;
}

export const ids = (text) => (text ?? "").split(",").filter((word) => /^\d+$/.test(word)).map(Number);
