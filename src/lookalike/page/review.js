// The last look before anything is removed: every picture of the plan, each to be taken out again.
import { post } from "./api.js";
import { button, dialog, el, tool } from "./dom.js";
import { bytes, t } from "./language.js";
import { complain } from "./live.js";
import { thumb } from "./picture.js";

export function review(plan, { onjob, onchange }) {
  const sum = el("p.lede", { "aria-live": "polite" });
  const go = button(t("clear-now", { n: plan.count }), { class: "alarm", act: "clear", onclick: async () => {
    go.disabled = true;
    try {
      const job = await post("/v1/clear", { pairs: plan.pairs });
      box.close();
      onjob(job);
    } catch (error) { complain(error); go.disabled = false; }
  } });
  const rows = el("ul.review-list", Object.entries(plan.marked).map(([id, one]) => row(Number(id), one)));
  const box = dialog(t("review", { n: plan.count }), t("close"), sum, rows, el("p.row.end", button(t("cancel"), { onclick: () => box.close() }), go));
  box.id = "review-dialog";
  count();

  function row(id, { keep, name, bytes: size }) {
    const node = el("li", { data: { id } }, thumb({ id, name }, 72), el("span.grow", el("bdi", name ?? `#${id}`), el("small", bytes(size))),
      el("span.soft.small", t("kept-instead")), thumb({ id: keep }, 72, { alt: `#${keep}` }),
      tool(t("unmark"), "close", { onclick: () => { plan.mark({ id }, null, false); node.remove(); count(); onchange(); } }));
    return node;
  }

  function count() {
    sum.textContent = t("review-sum", { what: t("pictures", { n: plan.count }), bytes: bytes(plan.bytes) });
    go.textContent = t("clear-now", { n: plan.count });
    go.disabled = plan.count === 0;
  }
}
