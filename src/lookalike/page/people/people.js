// People: the persons of the library, one of them, the faces of one photograph, or where a face is.
import * as api from "../api.js";
import { el } from "../dom.js";
import { complain } from "../live.js";
import { found } from "./found.js";
import { overview } from "./overview.js";
import { person } from "./person.js";
import { photo } from "./photo.js";

export function mount(root, gallery) {
  const place = el("div", { id: "people" });
  root.append(place);
  const under = new AbortController(); // jobs that go on until the view is left

  async function update(params, signal) {
    const shown = params.get("who") ? person : params.get("photo") ? photo : params.get("id") ? found : overview;
    place.setAttribute("aria-busy", "true");
    try {
      const nodes = await shown(params, gallery, signal, under.signal);
      if (signal.aborted) return;
      place.replaceChildren(...nodes);
    } catch (error) {
      if (api.aborted(error)) return;
      place.replaceChildren(el("p.empty", error.message));
      complain(error);
    }
    place.setAttribute("aria-busy", "false");
  }

  return { update, leave() { under.abort(); } };
}
