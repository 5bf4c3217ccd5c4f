// The service's API (docs/how-to/service.md). Every address that the page asks stands here, and nowhere else.
import { given } from "./route.js";

/** What the service refused, in its own words (RFC 9457). */
export class Problem extends Error {
  constructor(status, { title, detail, errors = [] }) {
    super([detail || title || `HTTP ${status}`, ...errors.map((one) => `${one.field}: ${one.message}`)].join("\n"));
    this.status = status;
  }
}

export const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

export const aborted = (error) => error.name === "AbortError";

/** The answer's JSON, null if there is none. `query`: of the address; `json` or `form`: the body. */
async function ask(method, path, { query = {}, json, form, signal } = {}, again = true) {
  const words = new URLSearchParams(given(query));
  const address = words.size ? `${path}${path.includes("?") ? "&" : "?"}${words}` : path;
  const body = json === undefined ? form && formOf(form) : JSON.stringify(json);
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
  return new Problem(answer.status, await answer.json().catch(() => ({})));
}

/** A form of what is set; lists become "4,7". */
function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of given(fields)) form.append(name, value instanceof Blob ? value : String(value));
  return form;
}

const get = (path, query, signal) => ask("GET", path, { query, signal });

// --- the library

export const gallery = (signal) => get("/v1/gallery", {}, signal);
export const image = (id, signal) => get(`/v1/images/${id}`, {}, signal);
export const images = async (ids, signal) => (await get("/v1/images", { ids: ids.join(",") }, signal)).images;
export const allIds = async (where, signal) => (await get("/v1/ids", { where }, signal)).ids;
export const addImage = (file) => ask("POST", "/v1/images", { form: { image: file } });
export const forget = (id, trash) => ask("DELETE", `/v1/images/${id}`, { query: { trash } });
export const failures = (cursor, signal) => get("/v1/failures", { limit: 100, cursor }, signal);
export const map = (by, signal) => get("/v1/projection", { by }, signal);
export const fileOf = (id) => `/v1/images/${id}/file`;

const SIDES = [160, 320, 640, 1600];
/** Where the image is to be had small enough to be quick and large enough for `side` CSS pixels. */
export function thumbnail(id, side) {
  const wanted = side * Math.min(2, devicePixelRatio || 1);
  return `/v1/images/${id}/thumbnail?side=${SIDES.find((one) => one >= wanted) ?? 1600}`;
}

// --- search and comparison; a `subject` is {file} or {id}, see subject.js

/** `options`: k, by, where, region, precision, rerank, good, bad. */
export const search = ({ file, id }, options, signal) =>
  ask("POST", "/v1/search", { form: { ...(file ? { image: file } : { id }), ...options }, signal });

/** Of an image that stays here, by its vectors: {copy: [numbers]}; `options`: k, by, where, precision, good, bad. */
export const searchVectors = (vectors, options, signal) =>
  ask("POST", "/v1/search/vectors", { json: { vectors, ...Object.fromEntries(given(options)) }, signal });

/** {networks, runtime}: those that the gallery's vectors come from, and whether this server lets the browser run them. */
export const networks = (signal) => get("/v1/networks", {}, signal);
export const networkOf = (sha256) => `/v1/networks/${sha256}`;

/** By words, English or Chinese ones: {hits, understood, unknown, best}. `options`: k, where, without, least, by: one of the gallery's `text_by`; `like`: a subject that they are to be like, or null. */
export const searchText = (text, like, options, signal) =>
  ask("POST", "/v1/search/text", { form: { text, ...(like?.file ? { image: like.file } : { id: like?.id }), ...options }, signal });

/** What speaks for each word in an image, and which part of it shows that: [{word, name, probability, box}]. */
export const wordsIn = async (id, text) => (await get(`/v1/images/${id}/words`, { text })).evidence;

/** Which videos show the image, or share a segment with the video, and when; `options`: k, where, precision. */
export const searchVideos = ({ file, id }, options, signal) =>
  ask("POST", "/v1/videos/search", { form: { ...(file ? { image: file } : { id }), ...options }, signal });

const both = (a, b) => ({ ...(a.file ? { a: a.file } : { a_id: a.id }), ...(b.file ? { b: b.file } : { b_id: b.id }) });
export const compare = (a, b, signal) => ask("POST", "/v1/compare", { form: { ...both(a, b), explain: true }, signal });
/** Whether the largest faces of both are of one person. */
export const compareFaces = (a, b) => ask("POST", "/v1/faces/compare", { form: both(a, b) });
/** The comparison's reasons, drawn: a PNG. */
export const comparisonDrawn = (a, b) => ask("POST", "/v1/compare/image", { form: both(a, b) });

// --- people

/** {installed, held, counts}: networks of faces, and how many faces there are. */
export const faceState = (signal) => get("/v1/faces", {}, signal);
/** Looks for faces and groups them: a job. */
export const findPeople = () => ask("POST", "/v1/faces", { json: { by: null } });
export const persons = (cursor, signal) => get("/v1/persons", { limit: 500, cursor }, signal);
export const person = (number, cursor, signal) => get(`/v1/persons/${number}`, { limit: 60, cursor }, signal);
export const facesOf = async (id, signal) => (await get(`/v1/images/${id}/faces`, {}, signal)).faces;
/** `faces`: [id of an image, number of a face]; `name`: null for a person of their own. */
export const sayPerson = (faces, name) => ask("POST", "/v1/persons", { json: { faces, name } });
export const sayNobody = (faces) => ask("POST", "/v1/persons", { json: { faces, nobody: true } });
export const namePerson = (number, name) => ask("POST", `/v1/persons/${number}/name`, { json: { name } });
/** Deletes the vectors of a person's faces: a job. */
export const forgetPerson = (number) => ask("DELETE", `/v1/persons/${number}`);
/** `options`: face, k, where. */
export const searchFaces = ({ file, id }, options, signal) =>
  ask("POST", "/v1/faces/search", { form: { ...(file ? { image: file } : { id }), ...options }, signal });
/** Where a face is to be had, with a little around it. */
export const faceOf = (id, number) => `/v1/images/${id}/faces/${number}/thumbnail?side=320`;

// --- a shop's catalogue; items by what the catalogue calls them

/** {items, next, total, facets}; `options`: where, text, limit, cursor. */
export const shelf = (options, signal) => get("/v1/items", options, signal);
export const item = (code, signal) => get(`/v1/items/${encodeURIComponent(code)}`, {}, signal);
/** `options`: k, where, text, good, bad: lists of codes. */
export const itemsLike = (code, { good, bad, ...options }, signal) => {
  const judged = new URLSearchParams([...good.map((one) => ["good", one]), ...bad.map((one) => ["bad", one])]);
  return get(`/v1/items/${encodeURIComponent(code)}/recommendations${judged.size ? `?${judged}` : ""}`, options, signal);
};
/** `options`: k, where, by. */
export const itemsLikeImage = ({ file, id }, options, signal) =>
  ask("POST", "/v1/recommend/image", { form: { ...(file ? { image: file } : { id }), ...options }, signal });

// --- duplicates

/** A page of groups {groups, next, total, bytes}, or, with a `kind`, the job that finds them. */
export const duplicates = (precision, cursor, signal) => get("/v1/duplicates", { precision, cursor }, signal);
/** A page of videos that share segments {pairs, next, total}, or the same job. */
export const sharedSegments = (precision, cursor, signal) => get("/v1/videos/shared", { precision, cursor }, signal);
export const setDifferent = (pairs) => ask("POST", "/v1/verdicts", { json: { pairs, verdict: "different" } });
export const unsetDifferent = (pairs) => ask("DELETE", "/v1/verdicts", { json: { pairs } });
/** Moves copies to the trash: a job. `pairs`: {copy, keep}, both ids. */
export const clearCopies = (pairs) => ask("POST", "/v1/removals", { json: { removals: pairs, also: ["edited", "crop", "mirrored", "rotated"] } });

// --- jobs

export const startIndexing = (retry) => ask("POST", "/v1/index", { json: { folders: null, retry_failed: retry } });
export const jobs = async () => (await get("/v1/jobs")).jobs;
export const job = (id, signal) => get(`/v1/jobs/${id}`, {}, signal);
export const cancelJob = (id) => ask("DELETE", `/v1/jobs/${id}`);
export const jobEvents = (id) => new EventSource(`/v1/jobs/${id}/events`);
