// The facets of a shelf: what its items have in each column, as choices that make the filter. They stand in the address.
import { el, field, small } from "../dom.js";
import { quoted } from "../filter.js";
import { number, t } from "../language.js";

const CHOICES = "in.", LEAST = "min.", MOST = "max."; // before the names of columns in the address
const SHOWN = 8; // choices of a facet, before "more"
const chosen = (params, column) => (params.get(CHOICES + column) ? params.get(CHOICES + column).split("|") : []);

/** The filter that the address's choices make, "" without any. */
export function whereOf(params) {
  const said = [];
  for (const [name, value] of params) {
    const column = name.slice(name.indexOf(".") + 1);
    if (!/^\w+$/u.test(column) || !value) continue;
    if (name.startsWith(CHOICES)) said.push(`item.${column} in (${value.split("|").map(quoted).join(", ")})`);
    if (name.startsWith(LEAST) && Number.isFinite(Number(value))) said.push(`item.${column} >= ${Number(value)}`);
    if (name.startsWith(MOST) && Number.isFinite(Number(value))) said.push(`item.${column} <= ${Number(value)}`);
  }
  return said.join(" and ");
}

/** All facets, each counted without its own choices, so that several can be chosen; `choose({name: value})` changes the
 *  address. One that no item has any more still shows what is chosen in it. */
export function facetList(facets, params, choose) {
  const any = [...params.keys()].some((name) => /^(in|min|max)\./.test(name));
  const none = () => choose(Object.fromEntries([...params.keys()].filter((name) => /^(in|min|max)\./.test(name)).map((name) => [name, null])));
  const wide = matchMedia("(min-width: 60rem)").matches;
  return el("details.facets", { open: wide || any }, el("summary", t("shop.filters")),
    any && small(t("shop.no-filter"), { act: "clear-facets", onclick: none }),
    [...facets, ...lost(facets, params)].map((one) => (one.kind === "number" ? range(one, params, choose) : choices(one, params, choose))));
}

function lost(facets, params) {
  const shown = new Set(facets.map((one) => one.column));
  const columns = [...params.keys()].filter((name) => name.startsWith(CHOICES)).map((name) => name.slice(CHOICES.length));
  return columns.filter((column) => !shown.has(column) && chosen(params, column).length).map((column) => ({ column, kind: "text", counts: {} }));
}

function choices({ column, counts }, params, choose) {
  const on = chosen(params, column);
  const gone = Object.fromEntries(on.filter((value) => !(value in counts)).map((value) => [value, 0]));
  const every = Object.entries({ ...counts, ...gone });
  const hidden = every.slice(SHOWN).some(([value]) => on.includes(value));
  const rows = every.map(([value, count]) => el("label.check", el("input", {
    type: "checkbox", checked: on.includes(value), onchange: (event) =>
      choose({ [CHOICES + column]: (event.target.checked ? [...on, value] : on.filter((other) => other !== value)).join("|") }),
  }), el("bdi", value), el("small", number(count))));
  return el("fieldset.facet", { data: { facet: column } }, el("legend", column), rows.slice(0, SHOWN),
    rows.length > SHOWN && el("details", { open: hidden }, el("summary", t("more")), rows.slice(SHOWN)));
}

function range({ column, least, greatest }, params, choose) {
  if (least === greatest && !params.get(LEAST + column) && !params.get(MOST + column)) return null;
  const input = (kind, text, bound) => field(text, el("input", {
    type: "number", step: "any", value: params.get(kind + column) ?? "", placeholder: String(bound), onchange: (event) => choose({ [kind + column]: event.target.value }),
  }));
  return el("fieldset.facet", { data: { facet: column } }, el("legend", column),
    el("div.row.tight.shop-range", input(LEAST, t("shop.from"), least), input(MOST, t("shop.to"), greatest)));
}
