// An image to be asked about: one of the library by its id ("5"), or one of the visitor's own ("f1"), kept by this tab.
import * as api from "./api.js";

const files = new Map();

/** Keeps a file of the visitor; gives the name by which addresses speak of it. */
export function keep(file) {
  const ref = `f${files.size + 1}`;
  files.set(ref, { ref, id: null, file, name: file.name || "", url: URL.createObjectURL(file), width: 0, height: 0 });
  return ref;
}

/** {ref, id, file, name, url, width, height}, or null for a file of another visit. Sizes are 0 where the browser cannot tell. */
export async function subject(ref, signal) {
  if (!/^\d+$/.test(ref)) return files.has(ref) ? measured(files.get(ref)) : null;
  const image = await api.image(ref, signal);
  return { ...image, ref: String(image.id), file: null, url: api.thumbnail(image.id, 800), name: nameOf(image) };
}

export const nameOf = (image) => image.name || `#${image.id}`;

async function measured(one) {
  if (one.width) return one;
  try {
    const image = new Image();
    image.src = one.url;
    await image.decode();
    [one.width, one.height] = [image.naturalWidth, image.naturalHeight]; // upright
  } catch { /* a format that the service reads and the browser does not */ }
  return one;
}
