// Pixels as Lookalike prepares them in Python, so that the vectors are the same: imaging/ground.py, imaging/read.py (Pillow's draft and
// reduce), descriptors/neural/onnx_model.py (OpenCV's INTER_AREA and INTER_LINEAR). An image here: {data, width, height}, RGB bytes row by row.

const NEAR_WHITE = 225; // luma from which on white hides it
const VANISHES = 0.9; // of what is visible: where so much is near white, the ground is black
const FULL_CONTRAST = 16; // grey levels, standard deviation

/** RGBA -> RGB, what is transparent over white, or over black where what is visible would vanish on white. */
export function overGround({ data, width, height }) {
  const ground = groundOf(data);
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3];
    for (let c = 0; c < 3; c += 1) rgb[to + c] = Math.round((data[from + c] * alpha + ground * (255 - alpha)) / 255);
  }
  return { data: rgb, width, height };
}

function groundOf(data) {
  let [total, white] = [0, 0];
  let opaque = true;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    opaque &&= alpha === 255;
    total += alpha;
    if (0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2] >= NEAR_WHITE) white += alpha;
  }
  return !opaque && total && white >= VANISHES * total ? 0 : 255;
}

/** An upright image as its file stores it, by EXIF's orientation, for blocks begin at a corner of the file's. */
export const stored = (image, orientation) => permuted(image, orientation, true);

/** What a file stores, upright. */
export const upright = (image, orientation) => permuted(image, orientation, false);

function permuted({ data, width, height }, orientation, store) {
  if (orientation === 1) return { data, width, height };
  const [w, h] = orientation > 4 ? [height, width] : [width, height];
  const [uprightWidth, uprightHeight, storedWidth, storedHeight] = store ? [width, height, w, h] : [w, h, width, height];
  const found = new Uint8Array(data.length);
  for (let y = 0; y < uprightHeight; y += 1) {
    for (let x = 0; x < uprightWidth; x += 1) {
      let [column, row] = orientation > 4 ? [y, x] : [x, y];
      if ([2, 3, 7, 8].includes(orientation)) column = storedWidth - 1 - column;
      if ([3, 4, 6, 7].includes(orientation)) row = storedHeight - 1 - row;
      const [here, there] = [3 * (y * uprightWidth + x), 3 * (row * storedWidth + column)];
      const [from, to] = store ? [here, there] : [there, here];
      for (let c = 0; c < 3; c += 1) found[to + c] = data[from + c];
    }
  }
  return { data: found, width: w, height: h };
}

/** Its shorter side at least `least` and shorter than twice that; a JPEG first at the scale that its decoder would give. */
export function reduced(image, least, jpeg) {
  const shorter = Math.min(image.width, image.height);
  const scale = jpeg && shorter >= 2 * least ? [8, 4, 2].find((one) => Math.floor(shorter / least) >= one) : 1;
  const drafted = blockMeans(image, scale);
  return blockMeans(drafted, Math.max(1, Math.floor(Math.min(drafted.width, drafted.height) / least)));
}

/** The mean of each block of n x n pixels, those at the right and the bottom of what is there; Pillow's Image.reduce. */
function blockMeans({ data, width, height }, n) {
  if (n === 1) return { data, width, height };
  const [w, h] = [Math.ceil(width / n), Math.ceil(height / n)];
  const found = new Uint8Array(3 * w * h);
  const sums = new Uint32Array(3 * w);
  for (let y = 0; y < h; y += 1) {
    sums.fill(0);
    const bottom = Math.min(height, (y + 1) * n);
    for (let row = y * n; row < bottom; row += 1) {
      for (let x = 0, at = 3 * row * width; x < width; x += 1, at += 3) {
        const to = 3 * Math.floor(x / n);
        sums[to] += data[at];
        sums[to + 1] += data[at + 1];
        sums[to + 2] += data[at + 2];
      }
    }
    for (let x = 0; x < w; x += 1) {
      const count = (bottom - y * n) * (Math.min(width, (x + 1) * n) - x * n);
      for (let c = 0; c < 3; c += 1) found[3 * (y * w + x) + c] = Math.floor((sums[3 * x + c] + Math.floor(count / 2)) / count);
    }
  }
  return { data: found, width: w, height: h };
}

/** -> RGB bytes of side x side: by area where both sides shrink, else linear. */
export function squeezed(image, side) {
  if (image.width === side && image.height === side) return image.data;
  return Math.min(image.width, image.height) >= side ? byArea(image, side) : linear(image, side);
}

function byArea({ data, width, height }, side) {
  const [columns, rows] = [areaWeights(width, side), areaWeights(height, side)];
  const wide = new Float32Array(3 * side * height);
  for (let y = 0; y < height; y += 1) {
    columns.forEach((parts, x) => {
      for (const [from, weight] of parts) {
        for (let c = 0; c < 3; c += 1) wide[3 * (y * side + x) + c] += weight * data[3 * (y * width + from) + c];
      }
    });
  }
  const found = new Uint8ClampedArray(3 * side * side); // which rounds halves to even, as OpenCV does
  rows.forEach((parts, y) => {
    for (let at = 0; at < 3 * side; at += 1) {
      let sum = 0;
      for (const [from, weight] of parts) sum += weight * wide[3 * from * side + at];
      found[3 * y * side + at] = sum;
    }
  });
  return new Uint8Array(found.buffer);
}

/** For each of `to` places which of `from` places it covers: [[place, weight], ...]. */
function areaWeights(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [start, end] = [place * scale, Math.min(from, (place + 1) * scale)];
    const parts = [];
    for (let at = Math.floor(start); at < Math.ceil(end - 1e-9); at += 1) parts.push([at, (Math.min(end, at + 1) - Math.max(start, at)) / (end - start)]);
    return parts;
  });
}

/** With weights of 11 bits, and bits cut off where OpenCV does. */
function linear({ data, width, height }, side) {
  const [columns, rows] = [linearWeights(width, side), linearWeights(height, side)];
  const wide = new Int32Array(3 * side * height);
  for (let y = 0; y < height; y += 1) {
    columns.forEach(([low, high, a, b], x) => {
      const [left, right] = [3 * (y * width + low), 3 * (y * width + high)];
      for (let c = 0; c < 3; c += 1) wide[3 * (y * side + x) + c] = a * data[left + c] + b * data[right + c];
    });
  }
  const found = new Uint8Array(3 * side * side);
  rows.forEach(([low, high, a, b], y) => {
    for (let at = 0; at < 3 * side; at += 1) {
      const [above, below] = [wide[3 * low * side + at] >> 4, wide[3 * high * side + at] >> 4];
      found[3 * y * side + at] = (((a * above) >> 16) + ((b * below) >> 16) + 2) >> 2;
    }
  });
  return found;
}

/** For each of `to` places the two of `from` places that its middle lies between, and their weights: [low, high, a, b]. */
function linearWeights(from, to) {
  return Array.from({ length: to }, (_, place) => {
    const at = Math.min(from - 1, Math.max(0, (place + 0.5) * (from / to) - 0.5));
    const low = Math.floor(at);
    const part = Math.round(2048 * (at - low));
    return [low, Math.min(low + 1, from - 1), 2048 - part, part];
  });
}

/** 0..1: the standard deviation of grey, as descriptors/hashes/structure.py counts it. */
export function contrast(rgb) {
  let [sum, squares] = [0, 0];
  const count = rgb.length / 3;
  for (let at = 0; at < rgb.length; at += 3) {
    const grey = Math.round(0.299 * rgb[at] + 0.587 * rgb[at + 1] + 0.114 * rgb[at + 2]);
    sum += grey;
    squares += grey * grey;
  }
  const mean = sum / count;
  return Math.min(1, Math.sqrt(Math.max(0, squares / count - mean * mean)) / FULL_CONTRAST);
}
