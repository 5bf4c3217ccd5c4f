// A private search: this browser describes the image itself and sends nothing but the vector. The runtime is a distribution of its own (web/).
import * as api from "./api.js";
import { el, recall, remember } from "./dom.js";
import { t } from "./language.js";

const KEY = "lookalike-private";
const UNDECODABLE = "this browser cannot decode the image"; // as the runtime's worker.js says it
let known = null; // the promise of what the server offers

/** The networks that can be run here: name -> network; none where the runtime is not installed. */
export function runnable() {
  known ??= api.networks().catch((error) => { known = null; throw error; });
  return known.then(({ networks, runtime }) => new Map(runtime ? networks.map((one) => [one.name, one]) : []));
}

/** Whether the visitor wants it. */
export const wanted = () => recall(KEY) === "1";

/** The switch, hidden where it cannot be had and nobody wants it. */
export function privacySwitch(onchange = () => {}) {
  const box = el("input", { type: "checkbox", data: { control: "private" } });
  box.checked = wanted();
  box.addEventListener("change", () => { remember(KEY, box.checked ? "1" : "0"); onchange(); });
  const node = el("label.private", { hidden: !wanted() }, box, el("span", el("b", t("private.switch")), " ", t("private.how")));
  runnable().then((found) => { node.hidden = !found.size && !wanted(); }, () => { /* the view says what the matter is */ });
  return node;
}

/** {vector, width, height} of a file by a network; see describe.js of the runtime. */
export async function described(file, network, region) {
  const { describe } = await import("/web/describe.js");
  return describe(file, { ...network, url: api.networkOf(network.sha256) }, region).catch((error) => {
    throw error.message === UNDECODABLE ? new Error(t("private.undecodable", { kind: kindOf(file) })) : error;
  });
}

/** What people call the format: by the file's ending, or else by its media type. */
const kindOf = (file) => (/\.(\w{2,5})$/.exec(file.name ?? "")?.[1] ?? file.type.replace("image/", "")).toUpperCase();
