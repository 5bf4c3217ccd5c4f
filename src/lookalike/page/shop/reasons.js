// Why an item is there: the parts of its score, as bars.
import { el } from "../dom.js";
import { signedBar } from "../image.js";
import { named, number, t } from "../language.js";

/** The parts add up to the score. */
export function reasons(one) {
  const parts = Object.entries(one.parts).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const most = Math.max(...parts.map(([, value]) => Math.abs(value)), 0.01);
  return el("dl.shop-parts", { label: t("why") },
    parts.map(([name, value]) => el("div", el("dt", named("part", name)), el("dd", signedBar(value, most), el("small", number(value, 2))))),
    el("div.shop-sum", el("dt", t("shop.score")), el("dd", el("span"), el("small", number(one.score, 2)))));
}
