// Decodes an image, prepares it as lookalike/descriptors/neural does, and runs the network on it by ONNX Runtime.
import * as ort from "./ort.wasm.min.mjs";
import { orientationOf } from "./exif.js";
import { contrast, overGround, reduced, squeezed, stored, upright } from "./pixels.js";

ort.env.wasm.wasmPaths = new URL(".", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more need a page that is isolated from all others

const HEAD = 1 << 18; // bytes of a file that may hold its EXIF
const sessions = new Map(); // digest of a network -> the promise of its session

addEventListener("message", async ({ data: { number, ...asked } }) => {
  try {
    postMessage({ number, ...await described(asked) });
  } catch (error) {
    postMessage({ number, error: String(error?.message ?? error) });
  }
});

async function described({ file, network, region }) {
  const [{ image, width, height }, session] = await Promise.all([decoded(file, region), opened(network)]);
  const whole = region ? overGround(image) : await asStored(file, overGround(image), (pixels, jpeg) => reduced(pixels, network.min_side, jpeg));
  const small = squeezed(whole, network.input.side);
  if (contrast(small) < network.min_contrast) return { vector: new Array(network.dim).fill(0), width, height };
  const { data } = (await session.run({ [network.input.name]: tensor(small, network.input) }, [network.name]))[network.name];
  return { vector: [...data], width, height };
}

/** What `change(image, isJpeg)` makes of the image as the file stores it, upright again. */
async function asStored(file, image, change) {
  if (file.type !== "image/jpeg") return change(image, false);
  const orientation = orientationOf(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  return upright(change(stored(image, orientation), true), orientation);
}

/** The image, or that region of it, {data: RGBA, width, height} in sRGB, upright by EXIF; and the size of all of it. */
async function decoded(file, region) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none" })
    .catch(() => { throw new Error("this browser cannot decode the image"); });
  const { width, height } = bitmap;
  const [x, y, w, h] = region ?? [0, 0, width, height];
  const [left, top] = [Math.max(0, Math.floor(x)), Math.max(0, Math.floor(y))];
  const size = [Math.min(width, Math.ceil(x + w)) - left, Math.min(height, Math.ceil(y + h)) - top];
  const context = new OffscreenCanvas(...size).getContext("2d", { colorSpace: "srgb", willReadFrequently: true });
  context.drawImage(bitmap, -left, -top);
  bitmap.close();
  return { image: context.getImageData(0, 0, ...size), width, height };
}

function opened(network) {
  if (!sessions.has(network.sha256)) sessions.set(network.sha256, session(network).catch((error) => { sessions.delete(network.sha256); throw error; }));
  return sessions.get(network.sha256);
}

async function session({ url }) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return ort.InferenceSession.create(new Uint8Array(await answer.arrayBuffer()));
}

/** RGB bytes of a square -> what the network takes. */
function tensor(rgb, { side, layout, type, mean, std, channels }) {
  const cells = side * side;
  const planes = layout === "NCHW";
  const values = type === "uint8" ? new Uint8Array(3 * cells) : new Float32Array(3 * cells);
  for (let at = 0; at < cells; at += 1) {
    for (let c = 0; c < 3; c += 1) {
      const value = rgb[3 * at + c];
      const place = channels === "BGR" ? 2 - c : c;
      values[planes ? place * cells + at : 3 * at + place] = type === "uint8" ? value : (value / 255 - mean[c]) / std[c];
    }
  }
  return new ort.Tensor(type, values, planes ? [1, 3, side, side] : [1, side, side, 3]);
}
