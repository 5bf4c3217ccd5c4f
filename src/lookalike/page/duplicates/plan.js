// What is to be removed, remembered by this browser until it is done. Ids never mean another image, so a plan stays true.
import { recall, remember } from "../dom.js";

const what = ({ id, path, name, bytes }) => ({ id, path, name, bytes });

/** A plan of the gallery in `folders`: `marked`: copy's id -> {id, path, name, bytes, keep: the same of the kept one};
 * `keepers`: group's key -> the id of the one to keep. */
export class Plan {
  constructor(folders) {
    this.key = `lookalike-removals:${folders.join("|")}`;
    Object.assign(this, { marked: {}, keepers: {} }, JSON.parse(recall(this.key)));
  }

  save() { remember(this.key, this.snapshot()); }

  snapshot() { return JSON.stringify({ marked: this.marked, keepers: this.keepers }); }

  restore(snapshot) { Object.assign(this, JSON.parse(snapshot)); this.save(); }

  keeper(group) {
    const chosen = this.keepers[group.key];
    return group.members.find((one) => one.id === chosen) ?? group.members[0];
  }

  mark(image, keep) {
    this.marked[image.id] = { ...what(image), keep: what(keep) };
    this.save();
  }

  unmark({ id }) {
    delete this.marked[id];
    this.save();
  }

  /** Another one is kept: it is not removed, and what was marked in the group goes with it. */
  choose(group, image) {
    this.keepers[group.key] = image.id;
    delete this.marked[image.id];
    for (const one of group.members) if (this.marked[one.id]) this.marked[one.id].keep = what(image);
    this.save();
  }

  clear() { this.marked = {}; this.keepers = {}; this.save(); }

  get pairs() { return Object.values(this.marked).map(({ id, keep }) => ({ copy: id, keep: keep.id })); }
  get count() { return Object.keys(this.marked).length; }
  get bytes() { return Object.values(this.marked).reduce((sum, one) => sum + one.bytes, 0); }
}
