// A rectangle on an image: drawn with a pointer, or written as numbers. In pixels of the upright original.
import { el, field, small, submit } from "../dom.js";
import { t } from "../language.js";
import { outline } from "../image.js";

const LEAST = 8; // CSS pixels; less is a click

/** {node, set(region), size(width, height)}; `region`: [x, y, width, height] or null; `onchange(region)`. */
export function regionPicker(img, width, height, onchange) {
  let region = null;
  let from = null;
  let drawn = null;
  const pane = el("span.pane", { data: { role: "region-pane" } }, img);
  const hints = el("span.hints");
  pane.append(hints);
  const touch = small(t("region.draw"), { "aria-pressed": "false", act: "draw-region", onclick: () => drawing(touch.getAttribute("aria-pressed") !== "true") }, "part");
  const drawing = (on) => {
    touch.setAttribute("aria-pressed", String(on));
    pane.classList.toggle("drawing", on);
  };
  const clear = small(t("region.clear"), { hidden: true, act: "clear-region", onclick: () => give(null) });
  const inputs = ["x", "y", "width", "height"].map((name) =>
    el("input", { type: "number", min: 0, inputmode: "numeric", data: { region: name } }));
  const numbers = el("details.numbers", el("summary", t("region.numbers")),
    el("form.four", { onsubmit: (event) => { event.preventDefault(); written(); } },
      inputs.map((input, at) => field(t(`region.${["x", "y", "w", "h"][at]}`), input)),
      submit(t("region.apply"), "apply-region")));

  const show = (box) => {
    drawn?.remove();
    drawn = box && width ? outline({ x: box[0], y: box[1], width: box[2], height: box[3] }, width, height, "region") : null;
    if (drawn) pane.append(drawn);
  };
  const set = (box) => {
    region = box;
    show(box);
    clear.hidden = !box;
    inputs.forEach((input, at) => { input.value = box ? box[at] : ""; });
  };
  const give = (box) => {
    if (String(box) === String(region)) return show(region);
    set(box);
    return onchange(box);
  };
  const written = () => {
    const [x, y, w, h] = inputs.map((input) => Math.round(Number(input.value) || 0));
    const left = Math.max(0, Math.min(x, width - 1)), top = Math.max(0, Math.min(y, height - 1));
    if (w > 0 && h > 0) give([left, top, Math.min(w, width - left), Math.min(h, height - top)]);
  };

  const place = (event) => {
    const frame = img.getBoundingClientRect();
    const inside = (value, most) => Math.max(0, Math.min(most, value));
    return [inside((event.clientX - frame.left) * width / frame.width, width), inside((event.clientY - frame.top) * height / frame.height, height)];
  };
  const between = (a, b) => {
    const x = Math.round(Math.min(a[0], b[0])), y = Math.round(Math.min(a[1], b[1]));
    return [x, y, Math.max(1, Math.round(Math.abs(a[0] - b[0]))), Math.max(1, Math.round(Math.abs(a[1] - b[1])))];
  };
  pane.addEventListener("pointerdown", (event) => {
    if (event.button || !width || (event.pointerType === "touch" && !pane.classList.contains("drawing"))) return;
    event.preventDefault();
    from = { at: place(event), x: event.clientX, y: event.clientY };
    pane.setPointerCapture(event.pointerId);
  });
  pane.addEventListener("pointermove", (event) => { if (from) show(between(from.at, place(event))); });
  pane.addEventListener("pointerup", (event) => {
    if (!from) return;
    const far = Math.min(Math.abs(event.clientX - from.x), Math.abs(event.clientY - from.y)) >= LEAST;
    const box = between(from.at, place(event));
    from = null;
    if (!far) { show(region); return; }
    drawing(false); // a finger scrolls the page again
    give(box);
  });
  pane.addEventListener("pointercancel", () => { from = null; show(region); });

  return {
    node: el("div.picker", pane, el("div.row.tight", touch, clear), numbers),
    set,
    size(w, h) { [width, height] = [w, h]; show(region); },
    /** Shows where in the query a hit lies, for as long as it is looked at. */
    hint(box) { hints.replaceChildren(...(box && width ? [outline(box, width, height)] : [])); },
  };
}
