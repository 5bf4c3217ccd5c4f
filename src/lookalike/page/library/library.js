// The library: all images, and where they come from.
import * as api from "../api.js";
import { el } from "../dom.js";
import { filterBuilder } from "../filter.js";
import { mat, name, objects, thumb } from "../image.js";
import { chooser, fits, intake } from "../intake.js";
import { bytes, listed, t } from "../language.js";
import { complain, say } from "../live.js";
import { again, go } from "../route.js";
import { detail } from "../views.js";
import { Grid } from "./grid.js";
import { Images } from "./images.js";
import { indexing } from "./indexing.js";

export function mount(root, gallery) {
  let ids = [];
  let places = new Map();
  let stop = null;
  const images = new Images((known) => known.forEach((image) => grid.fill(places.get(image.id))));
  const grid = new Grid({
    label: t("library.images"), least: innerWidth < 500 ? 150 : 190, caption: 62, draw,
    seen: (first, last) => images.want(ids.slice(first, last)),
  });
  const filter = filterBuilder(gallery, (where) => go("library", { where }));
  const count = el("p.lede", { id: "library-count" });
  const empty = el("p.empty", { hidden: true });
  const panel = indexing(gallery, again);
  const upload = gallery.keeps_uploads && !gallery.read_only && chooser(add, t("library.upload"));
  if (upload) stop = intake(root, add);
  root.append(el("div.view-head", el("div", el("h1.view-title", t("view.library")), count), upload),
    panel.node, filter.node, empty, grid.node);

  async function update(params, signal) {
    const where = params.get("where") ?? "";
    filter.set(where);
    ids = await api.allIds(where, signal);
    places = new Map(ids.map((id, at) => [id, at]));
    count.textContent = `${t(gallery.videos ? "library.mixed" : "images", { n: ids.length })}${where ? "" : ` · ${bytes(gallery.image_bytes)}`}`;
    empty.hidden = ids.length > 0;
    empty.textContent = t(where ? "none-match" : "library.empty");
    grid.show(ids.length);
  }

  function draw(index, cell) {
    const id = ids[index];
    const image = images.get(id);
    const said = image ? [...image.labels.slice(0, 1).map((one) => one.label), objects(image)].filter(Boolean) : [];
    cell.dataset.id = id;
    cell.append(el("button", {
      class: "shot", label: t("open", { name: image?.name ?? `#${id}` }), onclick: () => detail(id, gallery, { ongone: gone }),
    }, image ? mat(image, thumb(image, 160, { alt: "", loading: "eager" })) : el("span.mat")),
    image ? name(image) : el("p.name", "…"), el("p.data.one-line", listed(said)));
  }

  function gone(id) {
    images.known.delete(id);
    again();
  }

  async function add(file) {
    if (!fits(file, gallery)) return;
    try {
      const image = await api.addImage(file);
      say(t("library.added", { name: image.name ?? `#${image.id}` }));
      again();
    } catch (error) { complain(error); }
  }

  return { update, leave() { grid.leave(); panel.leave(); stop?.(); } };
}
