// Long work: followed as it goes on, shown, cancelled.
import * as api from "./api.js";
import { button, el } from "./dom.js";
import { number, t } from "./language.js";
import { complain } from "./live.js";

const ended = (job) => job.ended !== null;

/** Resolves with the job when it has ended; `onchange(job)` on the way. By events, or by asking where they do not come. */
export async function follow(job, onchange, signal) {
  onchange(job);
  if (!ended(job)) job = await listened(job, onchange, signal);
  while (!ended(job) && !signal?.aborted) {
    await api.wait(1);
    job = await api.job(job.id, signal);
    onchange(job);
  }
  return job;
}

function listened(job, onchange, signal) {
  return new Promise((done) => {
    const events = api.jobEvents(job.id);
    const stop = () => { events.close(); done(job); };
    events.addEventListener("job", (event) => {
      job = JSON.parse(event.data);
      onchange(job);
      if (ended(job)) stop();
    });
    events.addEventListener("error", stop);
    signal?.addEventListener("abort", stop);
  });
}

/** The job under way of a kind, or undefined. */
export async function running(kind) {
  return (await api.jobs()).find((job) => job.kind === kind && !ended(job));
}

/** A bar that shows how far a job is: {node, update(job)}. */
export function progress() {
  let last = null;
  const text = el("p.soft");
  const meter = el("progress", { label: t("progress") });
  const stop = button(t("cancel"), {
    act: "cancel-job",
    onclick: () => { stop.disabled = true; api.cancelJob(last.id).catch(complain); },
  });
  const node = el("div.job", { hidden: true, data: { role: "job" } }, text, meter, stop);
  return {
    node,
    update(job) {
      last = job;
      node.hidden = false;
      node.dataset.state = job.state;
      stop.hidden = ended(job);
      if (job.total) Object.assign(meter, { max: job.total, value: job.done });
      else if (ended(job)) Object.assign(meter, { max: 1, value: job.state === "done" ? 1 : 0 });
      else meter.removeAttribute("value");
      text.textContent = `${t(`job.${job.kind}`)}: ${t(`state.${job.state}`)}`
        + (job.total ? ` – ${number(job.done)} / ${number(job.total)}` : "") + (job.error ? ` – ${job.error}` : "");
    },
  };
}
