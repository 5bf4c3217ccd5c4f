// Two videos played in step: b shows what a shows, at the offset and the speed that were found.
import { button, el, icon } from "../dom.js";
import { clock, t } from "../language.js";
import { player, screen } from "../video.js";
import { inB } from "./segments.js";

const DRIFT = 0.12; // seconds after which b is set right again

/** {node, show(segment), leave()}. Both have one button and one place to seek; what the browser cannot play stays a filmstrip. */
export function together(a, b, gallery) {
  const players = [a, b].map((video, at) => player(video, gallery, { controls: false, muted: at === 1 }));
  const screens = () => players.map(screen);
  const seek = el("input", { type: "range", step: 0.1, label: t("videos.seek"), data: { role: "seek" }, oninput: () => { to(Number(seek.value)); } });
  const time = el("output.data", { data: { role: "time" } });
  const toggle = button("", { class: "main", act: "play", onclick: () => (playing() ? pause() : play()) });
  let segment = null;
  let frame = 0;

  const lead = () => screens()[0] ?? screens()[1];
  const playing = () => screens().some((one) => one && !one.paused);
  /** Of a, where both are. */
  const now = () => (screens()[0] ? screens()[0].currentTime : segment.a_start + (screens()[1].currentTime - segment.b_start) * segment.speed);

  function to(at) {
    const [first, second] = screens();
    if (first) first.currentTime = at;
    if (second) second.currentTime = inB(segment, at);
    seek.value = at;
    told(at);
  }

  function told(at) {
    const both = `${clock(at, 1)} · ${clock(inB(segment, at), 1)}`;
    time.textContent = both;
    seek.setAttribute("aria-valuetext", both);
  }

  function label() {
    const on = playing();
    toggle.replaceChildren(icon(on ? "pause" : "play"), t(on ? "videos.pause" : "videos.play"));
    toggle.disabled = !screens().some(Boolean);
  }

  async function play() {
    if (now() >= segment.a_end - 0.05 || now() < segment.a_start) to(segment.a_start);
    const [first, second] = screens();
    if (first) first.playbackRate = Math.min(1, segment.speed); // neither faster than it is
    if (second) second.playbackRate = Math.min(1, segment.speed) / segment.speed;
    await Promise.all(screens().filter(Boolean).map((one) => one.play().catch(() => {})));
    label();
    follow();
  }

  function pause() {
    screens().forEach((one) => one?.pause());
    label();
  }

  function follow() {
    cancelAnimationFrame(frame);
    if (!lead() || !playing()) { label(); return; }
    const at = now();
    const [first, second] = screens();
    if (first && second && !second.seeking && Math.abs(second.currentTime - inB(segment, at)) > DRIFT) second.currentTime = inB(segment, at);
    seek.value = at;
    told(at);
    if (at >= segment.a_end) pause();
    else frame = requestAnimationFrame(follow);
  }

  label();
  return {
    node: el("div.together", el("div.screens", players), el("div.row.tight.steer", toggle, seek, time)),
    show(chosen) {
      pause();
      segment = chosen;
      [seek.min, seek.max] = [segment.a_start, segment.a_end];
      to(segment.a_start);
    },
    leave() { cancelAnimationFrame(frame); pause(); },
  };
}
