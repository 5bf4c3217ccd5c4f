// What is loaded only when it is opened: each in a folder of its name, with its code, its words and its look.
import { el } from "./dom.js";
import { learn } from "./language.js";
import { complain } from "./live.js";

const opened = new Map(); // name -> the promise of its module

/** The module `name/name.js`, once its words and its stylesheet are there, so that nothing is shown without them. */
export function load(name) {
  if (!opened.has(name)) opened.set(name, fetched(name).catch((error) => { opened.delete(name); throw error; }));
  return opened.get(name);
}

async function fetched(name) {
  const [view, { WORDS }] = await Promise.all([import(`./${name}/${name}.js`), import(`./${name}/words.js`), styled(`/page/${name}/${name}.css`)]);
  learn(WORDS);
  return view;
}

function styled(href) {
  return new Promise((done, fail) => {
    const sheet = el("link", { rel: "stylesheet", href, onload: done, onerror: () => { sheet.remove(); fail(new TypeError(`network: ${href}`)); } });
    document.head.append(sheet);
  });
}

/** Opens one image of the library, large: see detail/detail.js. */
export async function detail(...of) {
  try { (await load("detail")).detail(...of); } catch (error) { complain(error); }
}
