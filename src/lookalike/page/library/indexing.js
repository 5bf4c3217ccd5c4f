// The folders of the gallery: looked through again, and what could not be read.
import * as api from "../api.js";
import { button, el } from "../dom.js";
import { follow, progress, running } from "../jobs.js";
import { bytes, number, t } from "../language.js";
import { complain, say } from "../live.js";

/** {node, leave()}; `onchange()` when images may have come or gone. */
export function indexing(gallery, onchange) {
  const under = new AbortController();
  const job = progress();
  const report = el("p.soft", { id: "index-report" });
  const failed = el("div.failures");
  const retry = el("input", { type: "checkbox", id: "retry" });
  const again = button(t("index.again"), { act: "index", onclick: () => start().catch(complain) });
  const acting = !gallery.read_only && gallery.folders.length > 0;
  const numbers = el("dl.numbers-line");
  const lacking = el("p.soft", { id: "index-lacking" });
  const node = el("details.card.indexing", { id: "indexing" }, el("summary", t("index.title")),
    numbers,
    gallery.folders.length > 0 && el("ul.folders", gallery.folders.map((folder) => el("li", el("bdi", folder)))),
    gallery.retention !== "paths" && el("p.soft", t(`retention.${gallery.retention}`)),
    lacking,
    acting && el("div.row", again, gallery.failures > 0 && el("span.check", retry, el("label", { for: "retry" }, t("index.retry")))),
    job.node, report, failed);
  node.addEventListener("toggle", () => { if (node.open && !failed.children.length) failures().catch(complain); });
  running("index").then((begun) => { if (begun) { node.open = true; return watch(begun); } return null; }).catch(complain);

  count(gallery);

  function count({ images, image_bytes: files, disk_bytes: index, failures: bad, lacking: counts }) {
    const rows = [["images", number(images), images], ["image-bytes", bytes(files)], ["disk-bytes", bytes(index)], ["failures", number(bad), bad]];
    numbers.replaceChildren(...rows.map(([name, text, n]) => el("div", el("dd", text), el("dt", t(`index.${name}`, { n })))));
    const n = Math.max(0, ...Object.values(counts)); // that an upgrade has left, by the descriptor that most of them lack
    lacking.hidden = n === 0;
    lacking.textContent = n === 0 ? "" : t("index.lacking", { n });
  }

  async function start() {
    again.disabled = true;
    try { await watch(await api.startIndexing(retry.checked)); } finally { again.disabled = false; }
  }

  async function watch(begun) {
    const ended = await follow(begun, job.update, under.signal);
    if (under.signal.aborted) return;
    const { added = 0, updated = 0, unchanged = 0, moved = 0, failed: bad = [] } = ended.result ?? {};
    if (ended.result) report.textContent = t("index.report", { added, updated, unchanged, moved, failed: bad.length });
    say(ended.error ?? (ended.result ? report.textContent : t(`state.${ended.state}`)));
    count(await api.gallery(under.signal));
    await failures();
    onchange();
  }

  async function failures(cursor = null) {
    const page = await api.failures(cursor, under.signal);
    if (!cursor) failed.replaceChildren(...(page.total ? [el("h2", t("index.failed", { n: page.total })), el("ul.reasons", { id: "failures" })] : []));
    failed.querySelector("ul")?.append(...page.failures.map(({ path, reason }) => el("li", el("bdi", path ?? "–"), el("small", reason))));
    failed.querySelector("button")?.remove();
    if (page.next) failed.append(button(t("more"), { onclick: () => failures(page.next).catch(complain) }));
  }

  return { node, leave() { under.abort(); } };
}
