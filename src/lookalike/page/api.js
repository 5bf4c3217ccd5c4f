// The service's API, docs/how-to/service.md: requests, problems, pictures' addresses.
import { given } from "./route.js";

/** What the service refused, in its own words (RFC 9457). */
export class Problem extends Error {
  constructor(status, told) {
    const wrong = (told.errors ?? []).map((one) => `${one.field}: ${one.message}`);
    super([told.detail || told.title || `HTTP ${status}`, ...wrong].join("\n"));
    this.status = status;
  }
}

export const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

/** The answer's JSON, null if there is none. `query`: of the address; `json` or `form`: the body. */
export async function ask(method, path, { query = {}, json, form, signal } = {}, again = true) {
  const words = new URLSearchParams(given(query));
  const address = words.size ? `${path}?${words}` : path;
  const body = json === undefined ? form : JSON.stringify(json);
  const headers = json === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(address, { method, body, headers, signal });
  if (answer.status === 429 && again) {
    await wait(Math.min(30, Number(answer.headers.get("Retry-After")) || 1));
    return ask(method, path, { query, json, form, signal }, false);
  }
  if (!answer.ok) throw await problemOf(answer);
  if (answer.status === 204) return null;
  return answer.headers.get("Content-Type")?.includes("json") ? answer.json() : answer.blob();
}

async function problemOf(answer) {
  if (answer.status === 401) document.dispatchEvent(new Event("locked"));
  const told = await answer.json().catch(() => ({}));
  return new Problem(answer.status, told);
}

export const get = (path, query, signal) => ask("GET", path, { query, signal });
export const post = (path, json, signal) => ask("POST", path, { json, signal });

/** A form of what is set; lists become "4,7". */
export function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of given(fields)) form.append(name, value instanceof Blob ? value : String(value));
  return form;
}

export const send = (path, fields, signal) => ask("POST", path, { form: formOf(fields), signal });

const SIDES = [160, 320, 640, 1600];
/** Where the picture is to be had small enough to be quick and large enough for `side` CSS pixels. */
export function thumbnail(id, side) {
  const wanted = side * Math.min(2, devicePixelRatio || 1);
  return `/v1/images/${id}/thumbnail?side=${SIDES.find((one) => one >= wanted) ?? 1600}`;
}

export const aborted = (error) => error.name === "AbortError";
