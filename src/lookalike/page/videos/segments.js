// Segments that two videos share: in words, and as times of the one that are times of the other.
import { clock, listed, named, number, t } from "../language.js";

const STEADY = 0.005; // a difference of speed that nobody sees

const span = (start, end) => `${clock(start, 1)}–${clock(end, 1)}`;

/** A still lasts no time, and is shown at a moment. */
export const moment = (segment) => segment.evidence.moment;

/** What is drawn and played of two videos: their segments; those of their sound where they share no images. */
export const spans = ({ segments, sound }) =>
  (segments.length ? segments : sound.map((one) => ({ ...one, relation: "same sound", orientation: "upright", edits: [], box: null, box_in: null })));

/** What is said of images and sound together, where it says more than the segments; else null. */
export const statement = (hit) => (hit.sound.length || hit.statement.endsWith("other sound") ? named("statement", hit.statement) : null);

/** Where it is, how fast, and what was done to it beyond its relation. `words`: for where it is in both. */
export function said(segment, words = "videos.segment") {
  const b = span(segment.b_start, segment.b_end);
  const where = moment(segment) === undefined ? t(words, { a: span(segment.a_start, segment.a_end), b }) : t("videos.moment", { at: clock(moment(segment), 1), b });
  const speed = Math.abs(segment.speed - 1) > STEADY && t("videos.speed", { speed: number(segment.speed, 2) });
  const orientation = segment.orientation !== "upright" && segment.relation !== segment.orientation && segment.orientation;
  return listed([where, speed, orientation, ...segment.edits.filter((edit) => edit !== segment.relation).map((edit) => named("edit", edit))].filter(Boolean));
}

/** When b shows what a shows at this time. */
export const inB = (segment, time) => segment.b_start + (time - segment.a_start) / segment.speed;
