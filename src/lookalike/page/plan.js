// What is to be removed, remembered by this browser until it is done. Ids never mean another picture, so a plan stays true.
import { recall, remember } from "./dom.js";

/** A plan of the gallery in `folders`: `marked`: copy's id -> {keep, bytes, name}; `keepers`: group's id -> the one to keep. */
export class Plan {
  constructor(folders) {
    this.key = `lookalike-plan:${folders.join("|")}`;
    Object.assign(this, { marked: {}, keepers: {} }, JSON.parse(recall(this.key)));
  }

  save() { remember(this.key, this.snapshot()); }

  snapshot() { return JSON.stringify({ marked: this.marked, keepers: this.keepers }); }

  restore(snapshot) { Object.assign(this, JSON.parse(snapshot)); this.save(); }

  keeper(group) {
    const chosen = this.keepers[group.key];
    return group.members.find((one) => one.id === chosen) ?? group.members[0];
  }

  mark(picture, keep, on = !this.marked[picture.id]) {
    if (on) this.marked[picture.id] = { keep, bytes: picture.bytes, name: picture.name };
    else delete this.marked[picture.id];
    this.save();
  }

  /** Another one is kept: it is not removed, and what was marked in the group goes with it. */
  choose(group, id) {
    this.keepers[group.key] = id;
    delete this.marked[id];
    for (const one of group.members) if (this.marked[one.id]) this.marked[one.id].keep = id;
    this.save();
  }

  clear() { this.marked = {}; this.keepers = {}; this.save(); }

  get pairs() { return Object.entries(this.marked).map(([copy, { keep }]) => ({ copy: Number(copy), keep })); }
  get count() { return Object.keys(this.marked).length; }
  get bytes() { return Object.values(this.marked).reduce((sum, one) => sum + one.bytes, 0); }
}
