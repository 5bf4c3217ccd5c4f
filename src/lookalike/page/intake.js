// The ways in which an image comes in: dropped, pasted, chosen, taken.
import { button, dialog, el } from "./dom.js";
import { t } from "./language.js";
import { complain } from "./live.js";

const firstFile = (files) => [...(files ?? [])].find((file) => file.type.startsWith("image/") || /\.\w{2,5}$/.test(file.name));

/** Whether the service takes a file of this size; says so if not. */
export function fits(file, gallery) {
  const fit = file.size <= gallery.limits.upload_bytes;
  if (!fit) complain(new Error(t("too-large")));
  return fit;
}

/** A button that lets a file be chosen. */
export function chooser(onfile, text = t("choose"), props = {}) {
  const input = el("input", { type: "file", accept: "image/*,.heic,.heif,.avif,.tif,.tiff,.jxl", class: "unseen", tabindex: -1, "aria-hidden": "true", data: { input: "file" } });
  input.addEventListener("change", () => { if (input.files[0]) onfile(input.files[0]); input.value = ""; });
  return el("span.chooser", button(text, { act: "choose", onclick: () => input.click(), ...props }, "file"), input);
}

/** A button that takes a still with the camera; null where there is none to be had. */
export function cameraButton(onfile, props = {}) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  const node = button(t("camera"), { act: "camera", hidden: true, onclick: () => take(onfile), ...props }, "camera");
  navigator.mediaDevices.enumerateDevices()
    .then((devices) => { node.hidden = !devices.some((device) => device.kind === "videoinput"); }, () => { /* none */ });
  return node;
}

async function take(onfile) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch (error) {
    complain(new Error(`${t("no-camera")} (${error.name})`));
    return;
  }
  const video = el("video", { autoplay: true, playsinline: true, muted: true, class: "camera", label: t("camera") });
  video.srcObject = stream;
  const shoot = button(t("shoot"), { class: "main", act: "shoot", onclick: async () => {
    const canvas = el("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    box.close();
    if (blob) onfile(new File([blob], `${t("camera")}.jpg`, { type: "image/jpeg" }));
  } }, "camera");
  const box = dialog(t("camera"), t("close"), video, el("p.row", shoot));
  box.addEventListener("close", () => stream.getTracks().forEach((track) => track.stop()));
}

/** Files dropped on `zone` and, with `pasted`, pasted anywhere. Gives a function that stops listening. */
export function intake(zone, onfile, pasted = true) {
  const stop = new AbortController();
  const listen = (target, name, act) => target.addEventListener(name, act, { signal: stop.signal });
  const over = (event) => { event.preventDefault(); zone.classList.add("over"); };
  listen(zone, "dragenter", over);
  listen(zone, "dragover", over);
  listen(zone, "dragleave", (event) => { if (!zone.contains(event.relatedTarget)) zone.classList.remove("over"); });
  listen(zone, "drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    zone.classList.remove("over");
    const file = firstFile(event.dataTransfer.files);
    if (file) onfile(file);
    else complain(new Error(t("no-file")));
  });
  if (pasted) {
    listen(document, "paste", (event) => {
      const file = firstFile(event.clipboardData?.files);
      if (file) { event.preventDefault(); onfile(file); }
    });
  }
  return () => stop.abort();
}
