// English or Chinese: words, numbers, dates.
import { recall, remember } from "./dom.js";
import { LANGUAGES, WORDS } from "./words.js";

const words = { ...WORDS };
/** The words of a view, which come with it. */
export const learn = (more) => Object.assign(words, more);

const KEY = "lookalike-language";

const chosen = recall(KEY);
export let language = LANGUAGES.includes(chosen) ? chosen : /^zh/i.test(navigator.language) ? "zh-CN" : "en";

export function speak(name) {
  language = name;
  remember(KEY, name);
  document.documentElement.lang = name;
}

/** The text of a name, with what stands for {its} blanks; "one|many" by `n`. */
export function t(name, values = {}) {
  const said = words[name] ?? [name, name];
  const pair = typeof said === "string" ? [name.slice(name.indexOf(".") + 1), said] : said;
  const texts = pair[LANGUAGES.indexOf(language)].split("|");
  const text = texts.length > 1 && values.n !== 1 ? texts[1] : texts[0];
  return text.replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === "number" ? number(values[key]) : values[key] ?? ""));
}

/** The word for something the library names, or the library's own. */
export const named = (kind, name) => (`${kind}.${name}` in words ? t(`${kind}.${name}`) : name);

export const number = (value, digits = 0) =>
  value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Two digits or more, in steps of 1000, as disks and file managers count. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (count >= 999.5 && step < 4) { count /= 1000; step += 1; }
  return `${number(count, step && count < 9.95 ? 1 : 0)} ${units[step]}`;
}

/** Never rounded to a certainty: "100 %" is said of identical files only. */
export function percent(share, relation = "") {
  if (share === null || !Number.isFinite(share)) return "–";
  if (relation === "identical" && share >= 1) return "100 %";
  if (share >= 0.9995) return `> ${number(99.9, 1)} %`;
  if (share < 0.0005) return `< ${number(0.1, 1)} %`;
  return `${number(100 * share, 1)} %`;
}

/** Seconds as "1:02:03" or "2:03"; `digits`: of a second. */
export function clock(seconds, digits = 0) {
  const whole = Number(seconds.toFixed(digits));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return `${hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes}:${rest}`;
}

export const distance = (value) => number(value, Math.abs(value) >= 10 ? 0 : 3);

/** "2024-07-14 18:02:11", as EXIF tells it, for people. */
export function date(text) {
  const when = new Date(text.replace(" ", "T"));
  return Number.isNaN(when.getTime()) ? text : new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(when);
}

export const listed = (words) => words.join(language === "en" ? ", " : "、");
