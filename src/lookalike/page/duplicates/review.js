// The last look before anything is removed: every image of the plan with its path, each to be taken out again.
import * as api from "../api.js";
import { button, dialog, el, tool } from "../dom.js";
import { thumb } from "../image.js";
import { bytes, t } from "../language.js";
import { complain } from "../live.js";
import { nameOf } from "../subject.js";

export function review(plan, { onjob, onchange }) {
  const sum = el("p.lede", { "aria-live": "polite" });
  const go = button("", { class: "alarm", act: "clear", onclick: async () => {
    go.disabled = true;
    try {
      const job = await api.clearCopies(plan.pairs);
      box.close();
      onjob(job);
    } catch (error) { complain(error); go.disabled = false; }
  } });
  const rows = el("ul.review-list", Object.values(plan.marked).map(row));
  const box = dialog(t("review", { n: plan.count }), t("close"), sum, rows, el("p.row.end", button(t("cancel"), { onclick: () => box.close() }), go));
  box.id = "review-dialog";
  count();

  function row(one) {
    const part = (title, image, kind) => el("div", { class: `review-${kind}` }, thumb(image, 56, { alt: "" }),
      el("p", el("small", `${title} · ${bytes(image.bytes)}`), el("bdi", { data: { path: kind } }, image.path ?? nameOf(image))));
    const node = el("li", { data: { id: one.id } }, part(t("to-remove"), one, "remove"), part(t("kept-instead"), one.keep, "keep"),
      tool(t("unmark"), "close", { onclick: () => { plan.unmark(one); node.remove(); count(); onchange(); } }));
    return node;
  }

  function count() {
    sum.textContent = t("review-sum", { what: t("images", { n: plan.count }), bytes: bytes(plan.bytes) });
    go.textContent = t("clear-now", { n: plan.count });
    go.disabled = plan.count === 0;
  }
}
