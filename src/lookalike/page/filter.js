// The filter of the library: the language itself, and the commonest conditions as choices that write it.
import { el, select, small, submit } from "./dom.js";
import { t } from "./language.js";

/** Text as the filter's language writes it. */
export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** Splits "a and b and c" at its outermost "and"s; what has an outermost "or" stays whole. */
export function clauses(text) {
  const parts = [""];
  let depth = 0;
  for (const word of text.trim().match(/'(?:[^']|'')*'|"[^"]*"|[()]|\s+|[^\s()'"]+|./g) ?? []) {
    depth += (word === "(") - (word === ")");
    if (!depth && /^or$/i.test(word)) return [`(${text.trim()})`];
    if (!depth && /^and$/i.test(word)) parts.push("");
    else parts[parts.length - 1] += word;
  }
  return parts.map((part) => part.trim()).filter(Boolean);
}

function choices(gallery) {
  const labels = new Set(Object.values(gallery.label_counts ?? {}).flatMap((counts) => Object.keys(counts)));
  const seen = Object.keys(gallery.regions ?? {}).length > 0;
  return [
    ["format", Object.keys(gallery.formats).map((name) => [`format = ${quoted(name)}`, name])],
    ["label", [...labels].slice(0, 200).map((name) => [`label = ${quoted(name)}`, name])],
    ["width", [640, 1280, 1920, 3840].map((width) => [`width >= ${width}`, `≥ ${width} px`])],
    ["objects", seen ? [1, 2, 5].map((count) => [`objects >= ${count}`, `≥ ${count}`]) : []],
  ].filter(([, options]) => options.length > 1);
}

/** {node, set(text)}; `onchange(text)` once a filter was chosen or entered. */
export function filterBuilder(gallery, onchange) {
  const input = el("input", {
    type: "text", class: "where", label: t("filter"), placeholder: "width >= 1000 and format = 'JPEG'", spellcheck: "false", autocomplete: "off", autocapitalize: "off", data: { filter: "where" },
  });
  const clear = small(t("clear"), { hidden: true, act: "clear-filter", onclick: () => { set(""); onchange(""); } });
  const picks = choices(gallery).map(([name, options]) => {
    const values = options.map(([value]) => value);
    const pick = select([["", t(`filter.${name}`)], ...options], "", (value) => {
      const kept = clauses(input.value).filter((clause) => !values.includes(clause));
      set([...kept, value].filter(Boolean).join(" and "));
      onchange(input.value);
    }, { class: "pill", label: t(`filter.${name}`), data: { filter: name } });
    return { pick, values };
  });
  function set(text) {
    input.value = text;
    clear.hidden = !text;
    const said = clauses(text);
    for (const { pick, values } of picks) {
      pick.value = said.find((clause) => values.includes(clause)) ?? "";
      pick.classList.toggle("on", pick.value !== "");
    }
  }
  const node = el("form.filter", { role: "search", label: t("filter"), onsubmit: (event) => {
    event.preventDefault();
    set(input.value.trim());
    onchange(input.value);
  } }, el("div.pills", picks.map(({ pick }) => pick)),
  el("div.row.tight", input, submit(t("apply"), "apply-filter"), clear));
  return { node, set };
}
