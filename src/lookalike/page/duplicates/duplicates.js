// Duplicates: one group at a time, by keyboard; nothing is removed until the plan has been reviewed.
import * as api from "../api.js";
import { button, dialog, el, field, one, select, tool, writing } from "../dom.js";
import { edits, facts, mat, name, thumb, verdict } from "../image.js";
import { follow, progress } from "../jobs.js";
import { bytes, listed, number, t } from "../language.js";
import { complain, say } from "../live.js";
import { again, go, link } from "../route.js";
import { nameOf } from "../subject.js";
import { filmstrip, player } from "../video.js";
import { Plan } from "./plan.js";
import { review } from "./review.js";

const SURE = ["0.9", "0.99", "0.999"];
const KEYS = {
  "← →": "key.←", K: "keep-this", R: "key.R", A: "mark-all", N: "different", U: "undo", "J ↓": "key.J", "P ↑": "key.P", Enter: "key.Enter", "?": "keys",
};

export function mount(root, gallery) {
  const plan = new Plan(gallery.folders);
  const acting = !gallery.read_only && gallery.retention === "paths";
  let groups = [], cursor = null, at = 0, chosen = 1, precision = "0.99";
  let total = 0, freed = 0; // groups, and bytes of their copies: all that are left, those not yet loaded too
  let undone = [];
  let busy = false;
  let signal = null; // of the address in view
  const leave = new AbortController();

  const summary = el("p.lede", { id: "duplicates-summary" });
  const job = progress();
  const sure = select(SURE.map((value) => [value, t("duplicates.sure", { n: 2, share: `${number(100 * value, value === "0.999" ? 1 : 0)} %` })]), precision,
    (value) => go("duplicates", { precision: value }), { data: { control: "precision" } });
  const reviewing = button(t("review", { n: 0 }), { class: "main", id: "review", disabled: true, onclick: () => review(plan, { onjob: cleared, onchange: render }) });
  const shared = el("a", { data: { role: "shared" } }, t("duplicates.shared"));
  const side = el("ol.group-list", { id: "groups", label: t("duplicates.groups") });
  const more = button(t("more"), { hidden: true, onclick: () => load().catch(complain) });
  const focus = el("section.focus", { id: "focus", tabindex: -1, label: t("duplicates.group") });
  const body = el("div.duplicates", { hidden: true }, el("div.group-side", side, more), focus);
  root.append(
    el("div.view-head", el("div", el("h1.view-title", t("view.duplicates")), summary, gallery.videos > 0 && shared),
      el("div.row", field(t("precision"), sure), tool(t("keys"), "why", { onclick: help, act: "keys" }), acting && reviewing)),
    job.node, body);
  document.addEventListener("keydown", keys, { signal: leave.signal });

  const group = () => groups[at];
  const others = () => group().members.filter((one) => one !== plan.keeper(group()));
  const candidate = () => others()[Math.min(chosen, others().length) - 1];

  async function update(params, asked) {
    signal = asked;
    precision = SURE.includes(params.get("precision")) ? params.get("precision") : "0.99";
    sure.value = precision;
    shared.href = link("videos", { precision: precision === "0.99" ? null : precision });
    [groups, cursor, total, at, undone, busy] = [[], null, 0, 0, [], false];
    body.hidden = true;
    one("#no-groups", root)?.remove();
    await load();
  }

  /** More groups; where they have to be found first, once that is done. */
  async function load() {
    if (busy) return;
    busy = true;
    const asked = signal;
    try {
      const page = await following(asked);
      if (!page) return;
      if (!groups.length) [total, freed] = [page.total, page.bytes];
      groups.push(...page.groups.map(({ keep, others: copies }) => ({ key: keep.id, members: [keep, ...copies] })));
      if (!page.groups.length) total = groups.length;
      render();
    } finally { if (!asked.aborted) busy = false; }
  }

  /** The next page with groups that are not here yet; null if there is no telling. */
  async function following(asked) {
    const here = new Set(groups.map((group) => group.key));
    for (;;) {
      const page = await found(asked);
      if (!page) return null;
      cursor = page.next;
      page.groups = page.groups.filter(({ keep }) => !here.has(keep.id));
      if (page.groups.length || !cursor) return page;
    }
  }

  async function found(asked) {
    const page = await api.duplicates(precision, cursor, asked);
    if (!page.kind) return page;
    summary.textContent = t("job.duplicates");
    const ended = await follow(page, job.update, asked);
    if (asked.aborted) return null;
    if (ended.state !== "done") { summary.textContent = t("duplicates.stopped"); return null; }
    job.node.hidden = true;
    return found(asked);
  }

  function render() {
    body.hidden = groups.length === 0;
    one("#no-groups", root)?.remove();
    if (!groups.length) root.append(el("div.empty", { id: "no-groups" }, el("strong", t("duplicates.none")), t("duplicates.none-how")));
    more.hidden = groups.length >= total;
    summary.textContent = total ? t("duplicates.summary", { n: total, bytes: bytes(freed) }) : "";
    at = Math.max(0, Math.min(at, groups.length - 1));
    side.replaceChildren(...groups.map(item));
    reviewing.textContent = t("review", { n: plan.count });
    reviewing.disabled = plan.count === 0;
    if (groups.length) present();
  }

  function item(found, index) {
    const removed = found.members.filter((one) => plan.marked[one.id]).length;
    return el("li", { class: removed ? "planned" : "" }, el("button", {
      "aria-current": index === at ? "true" : null, data: { group: found.key }, onclick: () => choose(index),
    }, thumb(plan.keeper(found), 56, { alt: "" }), el("span", nameOf(plan.keeper(found)),
      el("small", t("images", { n: found.members.length }), removed ? ` · ${t("duplicates.marked", { n: removed })}` : ""))));
  }

  function choose(index) {
    if (index >= groups.length && groups.length < total) { load().then(() => { if (index < groups.length) choose(index); }).catch(complain); return; }
    if (index < 0 || index >= groups.length) { say(t(index < 0 ? "duplicates.first" : "duplicates.last")); return; }
    [at, chosen] = [index, 1];
    render();
    one("[aria-current]", side)?.scrollIntoView({ block: "nearest" });
    say(t("duplicates.place", { at: at + 1, total }), true);
  }

  /** What is known of two members: the service tells of each with the one that it would keep. */
  function known(a, b) {
    const first = group().members[0];
    return a === first ? b : b === first ? a : null;
  }

  function present() {
    const keeper = plan.keeper(group());
    const other = candidate();
    const held = focus.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const pair = known(keeper, other);
    const box = (which) => (pair?.box && pair.box_in === ((which === group().members[0]) ? "a" : "b") ? [pair.box] : []);
    const figure = (image, flag, kind) => el("figure", { class: `tile ${kind}`, data: { id: image.id, role: kind } },
      image.codec ? [player(image, gallery), filmstrip(image)] : mat(image, thumb(image, 640, { loading: "eager" }), box(image)),
      el("figcaption", el("p.row.tight", el("span.flag", flag), name(image)), facts(image),
        image.path && el("p.soft.small", el("bdi", image.path))));
    const marked = Boolean(plan.marked[other.id]);
    focus.replaceChildren(...[
      el("div.row.between", el("h2", t("duplicates.place", { at: at + 1, total })),
        el("span.row.tight", tool(t("key.P"), "previous", { onclick: () => choose(at - 1), act: "previous" }), tool(t("key.J"), "next", { onclick: () => choose(at + 1), act: "next" }))),
      el("div.both", figure(keeper, t("keeps"), "keep"), figure(other, t(marked ? "to-remove" : "copy"), marked ? "marked" : "candidate")),
      el("div.row", pair && verdict({ ...pair, box_in: null }), pair && el("p.soft", listed(edits(pair))), el("a", { href: keeper.codec ? link("videos", { id: keeper.id, with: other.id }) : link("compare", { a: keeper.id, b: other.id }) }, t("view.compare"))),
      others().length > 1 && el("ul.film", { label: t("duplicates.group") }, others().map((image, index) => el("li",
        el("button", { label: nameOf(image), "aria-pressed": String(image === other), class: plan.marked[image.id] ? "planned" : "", act: `film-${image.id}`, onclick: () => { chosen = index + 1; present(); } },
          thumb(image, 72, { alt: "" }))))),
      el("div.row.acts", acts(other, marked)),
    ].filter(Boolean));
    if (held) one(`[data-act="${held}"]`, focus)?.focus({ preventScroll: true });
  }

  const key = (text, letter) => [text, " ", el("kbd", { "aria-hidden": "true" }, letter)];
  function acts(other, marked) {
    const decide = !gallery.read_only && button(key(t("different"), "N"), { onclick: different, act: "different" });
    if (!acting) return [decide];
    return [
      button(key(t(marked ? "unmark" : "mark"), "R"), { class: marked ? "" : "main", onclick: mark, act: "mark" }),
      button(key(t("mark-all"), "A"), { onclick: markAll, act: "mark-all" }),
      button(key(t("keep-this"), "K"), { onclick: keepThis, act: "keep" }),
      decide,
      button(key(t("undo"), "U"), { onclick: undo, disabled: !undone.length, act: "undo" }),
    ];
  }

  /** Does something to the plan that can be undone. */
  function planned(act) {
    const before = plan.snapshot();
    undone.push(async () => plan.restore(before));
    act();
    render();
  }

  function mark() {
    planned(() => (plan.marked[candidate().id] ? plan.unmark(candidate()) : plan.mark(candidate(), plan.keeper(group()))));
    if (plan.marked[candidate().id] && chosen < others().length) { chosen += 1; present(); }
  }

  function markAll() {
    planned(() => { for (const other of others()) plan.mark(other, plan.keeper(group())); });
    choose(at + 1);
  }

  const keepThis = () => planned(() => plan.choose(group(), candidate()));

  /** The chosen one is no copy of any other in the group: it leaves it, and so does a group of one. */
  async function different() {
    const [changed, place, image] = [group(), at, candidate()];
    const before = { members: changed.members, plan: plan.snapshot(), sums: [total, freed] };
    const left = changed.members.filter((member) => member !== image);
    const pairs = left.map((member) => [member.id, image.id]);
    const copies = (members) => members.slice(1).reduce((sum, member) => sum + member.bytes, 0);
    try { await api.setDifferent(pairs); } catch (error) { complain(error); return; }
    plan.unmark(image);
    changed.members = left;
    freed -= copies(before.members) - copies(left);
    if (left.length < 2) { groups.splice(place, 1); total -= 1; left.forEach((member) => plan.unmark(member)); }
    cursor = null; // places in the service's list have moved
    undone.push(async () => {
      await api.unsetDifferent(pairs);
      if (left.length < 2) groups.splice(place, 0, changed);
      [total, freed] = before.sums;
      changed.members = before.members;
      plan.restore(before.plan);
      cursor = null;
      at = place;
    });
    chosen = 1;
    if (!groups.length && total) await load().catch(complain);
    else render();
    say(t("decided"));
  }

  async function undo() {
    const last = undone.pop();
    if (!last) { say(t("nothing-to-undo")); return; }
    try { await last(); render(); say(t("undone")); } catch (error) { complain(error); }
  }

  async function cleared(begun) {
    try {
      const ended = await follow(begun, job.update, signal);
      const { done = [], bytes: freed = 0, failed = [] } = ended.result ?? {};
      if (ended.state === "done") plan.clear();
      say(t("cleared", { n: done.length, bytes: bytes(freed) }));
      if (failed.length) dialog(t("not-cleared", { n: failed.length }), t("close"), el("ul.reasons", failed.map(({ path, reason }) => el("li", el("bdi", path), el("small", reason)))));
      again();
    } catch (error) { complain(error); }
  }

  function step(by) {
    chosen = 1 + (chosen - 1 + by + others().length) % others().length;
    present();
  }

  function keys(event) {
    if (writing(event) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") { help(); return; }
    if (!groups.length || (event.target.closest?.("button, a") && ["Enter", " "].includes(event.key))) return;
    const does = {
      arrowleft: () => step(-1), arrowright: () => step(1), j: () => choose(at + 1), arrowdown: () => choose(at + 1), p: () => choose(at - 1), arrowup: () => choose(at - 1),
      ...(gallery.read_only ? {} : { n: different, u: undo }),
      ...(acting ? { k: keepThis, r: mark, delete: mark, a: markAll, enter: () => reviewing.click() } : {}),
    }[event.key.toLowerCase()];
    if (does) { event.preventDefault(); does(); }
  }

  function help() {
    dialog(t("keys"), t("close"), el("dl.keys", { id: "keys" }, Object.entries(KEYS).map(([name, text]) =>
      el("div", el("dt", el("kbd", name)), el("dd", t(text))))));
  }

  return { update, leave() { leave.abort(); } };
}
