// What the page calls: an image of the visitor's -> its vector, computed in this browser, away from the page's own thread.

let worker = null;
let count = 0;
const waiting = new Map(); // number of a question -> {done, fail}

/**
 * The vector of a file by a network (as GET /v1/networks describes it, `url`: of its file): {vector: [numbers], width, height}, sizes of the
 * upright image. `region`: [x, y, w, h] in its pixels, or null. Zeros for an image that shows nothing. Rejects with what cannot be decoded or run.
 */
export function describe(file, network, region = null) {
  worker ??= started();
  return new Promise((done, fail) => {
    waiting.set((count += 1), { done, fail });
    worker.postMessage({ number: count, file, network, region });
  });
}

function started() {
  const made = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  made.addEventListener("message", ({ data: { number, error, ...found } }) => {
    const { done, fail } = waiting.get(number);
    waiting.delete(number);
    if (error) fail(new Error(error)); else done(found);
  });
  made.addEventListener("error", (event) => {
    for (const { fail } of waiting.values()) fail(new Error(event.message || "the worker did not start"));
    waiting.clear();
    worker = null;
  });
  return made;
}
