// Two images on one canvas: side by side, one over the other, what differs, what matches.
import { el, small, still, writing } from "../dom.js";
import { t } from "../language.js";
import { apply, corners, IDENTITY, into, inverse, scaling } from "./geometry.js";

const MODES = ["side", "slider", "blink", "difference", "matches"];
const GAP = 12;
const LINES = 120;
const BLINK = 800; // ms

/** `a`, `b`: {img, width, height}; `result`: the service's comparison. Gives {node, set(mode), leave()}. */
export function stage(a, b, result, mode = "side") {
  const back = result.transform && inverse(result.transform);
  const onA = back ?? scaling(a.width / b.width, a.height / b.height); // b's pixels -> a's pixels
  let cut = 0.5, shown = 0, timer = 0, outlined = false;
  const canvas = el("canvas", { role: "img" });
  const handle = el("div", {
    class: "handle", role: "slider", tabindex: 0, label: t("stage.handle"), "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal", data: { role: "slider" },
  });
  const pane = el("div.stage-pane", canvas, handle);
  const buttons = MODES.map((name) => el("button.seg", { data: { mode: name }, onclick: () => set(name) }, t(`stage.${name}`)));
  const pause = small("", { act: "pause", onclick: () => run(!timer) });
  const marked = el("input", { type: "checkbox", id: "outline", data: { control: "outline" }, onchange: () => { outlined = marked.checked; draw(); } });
  const changes = result.changed?.length > 0 && el("span.check", marked, el("label", { for: "outline" }, t("stage.outline", { n: result.changed.length })));
  const remark = el("p.soft.remark");

  const laid = () => !["side", "matches"].includes(mode); // b over a

  function set(name) {
    mode = name;
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.mode === mode));
    handle.hidden = mode !== "slider";
    pause.hidden = mode !== "blink";
    remark.textContent = laid() && !back ? t("stage.scaled") : mode === "matches" && !result.points?.length ? t("stage.no-matches") : t(`stage.${mode}-hint`);
    canvas.setAttribute("aria-label", t(`stage.${mode}-hint`));
    shown = 0;
    run(mode === "blink" && !still());
    draw();
  }

  function run(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => { if (pane.isConnected) { shown = 1 - shown; draw(); } else run(false); }, BLINK) : 0;
    pause.textContent = t(on ? "pause" : "play");
  }

  /** Room for a whole image, or for both, beside one another or one above the other. */
  function room() {
    const wide = Math.max(200, pane.clientWidth), high = Math.max(260, innerHeight * 0.62);
    const dots = Math.min(2, devicePixelRatio || 1);
    if (laid()) {
      const scale = Math.min(wide / a.width, high / a.height, 3);
      return { dots, width: a.width * scale, height: a.height * scale, places: [{ scale, x: 0, y: 0 }] };
    }
    const beside = wide > 560;
    const [most, least] = beside ? [(wide - GAP) / 2, high] : [wide, (high - GAP) / 2];
    const fit = [a, b].map((one) => Math.min(most / one.width, least / one.height, 3));
    const [widths, heights] = [[a.width * fit[0], b.width * fit[1]], [a.height * fit[0], b.height * fit[1]]];
    const after = ([first, second]) => ({ size: first + GAP + second, starts: [0, first + GAP] });
    const centred = (sizes) => ({ size: Math.max(...sizes), starts: sizes.map((size) => (Math.max(...sizes) - size) / 2) });
    const [x, y] = beside ? [after(widths), centred(heights)] : [centred(widths), after(heights)];
    return { dots, width: x.size, height: y.size, places: fit.map((scale, which) => ({ scale, x: x.starts[which], y: y.starts[which] })) };
  }

  function draw() {
    const { dots, width, height, places } = room();
    Object.assign(canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = canvas.getContext("2d");
    const at = places.map(({ scale, x, y }) => ({ scale: scale * dots, x: x * dots, y: y * dots }));
    if (at.length === 2) two(context, at, dots);
    else over(context, at[0], dots);
    canvas.style.filter = mode === "difference" ? "brightness(2)" : "";
    handle.style.left = `${canvas.offsetLeft + cut * width}px`;
    Object.assign(handle.style, { top: `${canvas.offsetTop}px`, height: `${height}px` });
    handle.setAttribute("aria-valuenow", Math.round(100 * cut));
  }

  function paint(context, which, matrix, place) {
    into(context, matrix, place.scale, place.x, place.y);
    context.drawImage(which.img, 0, 0, which.width, which.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  function two(context, at, dots) {
    [a, b].forEach((one, side) => paint(context, one, IDENTITY, at[side]));
    if (result.box) trace(context, corners(result.box), IDENTITY, at[result.box_in === "b" ? 1 : 0], "#ff7a1a", dots);
    if (outlined) regions(context, IDENTITY, at[1], dots);
    if (mode === "matches") lines(context, at, dots);
  }

  function over(context, place, dots) {
    const { width, height } = canvas;
    paint(context, a, IDENTITY, place);
    if (mode === "slider" || (mode === "blink" && shown)) {
      context.save();
      context.beginPath();
      context.rect(mode === "slider" ? cut * width : 0, 0, width, height);
      context.clip();
      context.fillStyle = "#777";
      context.fillRect(0, 0, width, height);
      paint(context, b, onA, place);
      context.restore();
    }
    if (mode === "difference") differ(context, place);
    if (outlined) regions(context, onA, place, dots);
    if (mode !== "difference") letters(context, dots);
  }

  /** Black where both are the same; grey where b has nothing. */
  function differ(context, place) {
    context.globalCompositeOperation = "difference";
    paint(context, b, onA, place);
    context.globalCompositeOperation = "destination-in";
    path(context, corners({ x: 0, y: 0, width: b.width, height: b.height }), onA, place);
    context.fill();
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#777";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "source-over";
  }

  function letters(context, dots) {
    const said = mode === "slider" ? [["A", 0], ["B", 1]] : [[shown ? "B" : "A", 0]];
    context.font = `600 ${14 * dots}px system-ui, sans-serif`;
    for (const [letter, right] of said) {
      const x = right ? canvas.width - 34 * dots : 10 * dots;
      context.fillStyle = "rgb(0 0 0 / 0.65)";
      context.fillRect(x, 10 * dots, 24 * dots, 24 * dots);
      context.fillStyle = "#fff";
      context.fillText(letter, x + 7 * dots, 27 * dots);
    }
  }

  function path(context, points, matrix, { scale, x, y }) {
    context.beginPath();
    for (const point of points) {
      const [px, py] = apply(matrix, point);
      context.lineTo(px * scale + x, py * scale + y);
    }
    context.closePath();
  }

  function trace(context, points, matrix, place, colour, dots) {
    path(context, points, matrix, place);
    for (const [style, wide] of [["#fff", 4], [colour, 2]]) {
      context.strokeStyle = style;
      context.lineWidth = wide * dots;
      context.stroke();
    }
  }

  function regions(context, matrix, place, dots) {
    for (const { box } of result.changed ?? []) trace(context, corners(box), matrix, place, "#e11d8f", dots);
  }

  function lines(context, at, dots) {
    const points = result.points ?? [];
    const step = Math.max(1, Math.ceil(points.length / LINES));
    points.filter((_, index) => index % step === 0).forEach(([from, to], index) => {
      const [x1, y1] = [from[0] * at[0].scale + at[0].x, from[1] * at[0].scale + at[0].y];
      const [x2, y2] = [to[0] * at[1].scale + at[1].x, to[1] * at[1].scale + at[1].y];
      context.strokeStyle = context.fillStyle = `hsl(${(index * 47) % 360} 85% 58%)`;
      context.lineWidth = 1.25 * dots;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
      for (const [x, y] of [[x1, y1], [x2, y2]]) {
        context.beginPath();
        context.arc(x, y, 2.5 * dots, 0, 7);
        context.fill();
      }
    });
  }

  const slide = (to) => { cut = Math.max(0, Math.min(1, to)); draw(); };
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.2, PageUp: 0.2, Home: -1, End: 1 }[event.key];
    if (step) { event.preventDefault(); slide(cut + step); }
  });
  const drag = (event) => {
    const frame = canvas.getBoundingClientRect();
    slide((event.clientX - frame.left) / frame.width);
  };
  pane.addEventListener("pointerdown", (event) => {
    if (mode !== "slider" || event.button) return;
    event.preventDefault();
    handle.focus();
    pane.setPointerCapture(event.pointerId);
    drag(event);
  });
  pane.addEventListener("pointermove", (event) => { if (mode === "slider" && pane.hasPointerCapture(event.pointerId)) drag(event); });
  const keys = (event) => {
    if (writing(event) || event.target.closest?.("button, a, [role=slider]")) return;
    const at = Number(event.key) - 1;
    if (MODES[at]) set(MODES[at]);
  };
  document.addEventListener("keydown", keys);
  const seen = new ResizeObserver(draw);
  seen.observe(pane);

  const node = el("div.stage",
    el("div.row", el("div.segs", { role: "group", label: t("stage") }, buttons), pause, changes), pane, remark);
  set(mode);
  return { node, set, leave() { run(false); seen.disconnect(); document.removeEventListener("keydown", keys); } };
}
