// What is known of images, fetched for those that are looked at, many at once, and not twice.
import * as api from "../api.js";
import { complain } from "../live.js";

const MOST = 5000; // kept in memory
const BATCH = 200;

export class Images {
  constructor(onknown) {
    Object.assign(this, { known: new Map(), asked: new Set(), wanted: [], onknown, timer: 0 });
  }

  get(id) { return this.known.get(id); }

  /** These are looked at now; what was wanted before and is no longer seen is not fetched. */
  want(ids) {
    this.wanted = ids.filter((id) => !this.known.has(id) && !this.asked.has(id));
    clearTimeout(this.timer);
    if (this.wanted.length) this.timer = setTimeout(() => this.fetch().catch(complain), 60);
  }

  async fetch() {
    const ids = this.wanted.splice(0, BATCH);
    ids.forEach((id) => this.asked.add(id));
    try {
      const images = await api.images(ids);
      for (const image of images) this.known.set(image.id, image);
      for (const id of this.known.keys()) { if (this.known.size <= MOST) break; this.known.delete(id); }
      this.onknown(images);
    } finally { ids.forEach((id) => this.asked.delete(id)); }
    if (this.wanted.length) await this.fetch();
  }
}
