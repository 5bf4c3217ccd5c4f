// The library: all pictures, and where they come from.
import { get, send } from "./api.js";
import { el } from "./dom.js";
import { detail, objects } from "./detail.js";
import { filterBuilder } from "./filter.js";
import { Grid } from "./grid.js";
import { indexing } from "./indexing.js";
import { chooser, fits, intake } from "./intake.js";
import { bytes, listed, t } from "./language.js";
import { complain, say } from "./live.js";
import { mat, name, thumb } from "./picture.js";
import { Pictures } from "./pictures.js";
import { again, go } from "./route.js";

export function mount(root, gallery) {
  let ids = [];
  let places = new Map();
  let stop = null;
  const pictures = new Pictures((known) => known.forEach((picture) => grid.fill(places.get(picture.id))));
  const grid = new Grid({
    label: t("library.pictures"), least: innerWidth < 500 ? 150 : 190, caption: 62, draw,
    seen: (first, last) => pictures.want(ids.slice(first, last)),
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
    ({ ids } = await get("/v1/ids", { where }, signal));
    places = new Map(ids.map((id, at) => [id, at]));
    count.textContent = `${t("pictures", { n: ids.length })}${where ? "" : ` · ${bytes(gallery.picture_bytes)}`}`;
    empty.hidden = ids.length > 0;
    empty.textContent = t(where ? "none-match" : "library.empty");
    grid.show(ids.length);
  }

  function draw(index, cell) {
    const id = ids[index];
    const picture = pictures.get(id);
    const said = picture ? [...picture.labels.slice(0, 1).map((one) => one.label), objects(picture)].filter(Boolean) : [];
    cell.dataset.id = id;
    cell.append(el("button", {
      class: "shot", label: t("open", { name: picture?.name ?? `#${id}` }), onclick: () => detail(id, gallery, { ongone: gone }),
    }, picture ? mat(picture, thumb(picture, 160, { alt: "", loading: "eager" })) : el("span.mat")),
    picture ? name(picture) : el("p.name", "…"), el("p.data.one-line", listed(said)));
  }

  function gone(id) {
    pictures.known.delete(id);
    again();
  }

  async function add(file) {
    if (!fits(file, gallery)) return;
    try {
      const picture = await send("/v1/images", { image: file });
      say(t("library.added", { name: picture.name ?? `#${picture.id}` }));
      again();
    } catch (error) { complain(error); }
  }

  return { update, leave() { grid.leave(); panel.leave(); stop?.(); } };
}
