// How a JPEG is to be turned, by its EXIF: the browser turns it while decoding, and does not tell.

const ORIENTATION = 0x0112;

/** 1 to 8; 1 where nothing is said. `bytes`: the first of a file. */
export function orientationOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 < view.byteLength && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint8(at + 1) === 0xda) break; // the image itself
    if (view.getUint8(at + 1) === 0xe1 && at + 18 < view.byteLength && view.getUint32(at + 4) === 0x45786966) return inTiff(view, at + 10);
  }
  return 1;
}

/** In the block of EXIF that begins at `start`: a small TIFF. */
function inTiff(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const first = start + view.getUint32(start + 4, little);
  if (first + 2 > view.byteLength) return 1;
  for (let number = 0; number < view.getUint16(first, little); number += 1) {
    const entry = first + 2 + 12 * number;
    if (entry + 12 > view.byteLength) break;
    if (view.getUint16(entry, little) === ORIENTATION) {
      const said = view.getUint16(entry + 8, little);
      return said >= 1 && said <= 8 ? said : 1;
    }
  }
  return 1;
}
