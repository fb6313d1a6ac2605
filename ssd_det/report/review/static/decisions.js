"use strict";

const VERSION = 2; // of exported files; 1 had no boxes

/* The browser's memory, which may be full or forbidden: null and false then. */
function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

/* What was decided about boxes: kept in the browser, for all its windows, exported and loaded as json. A decision is a
   word, or a box xywh that is trusted with what an exported file says of it: { bbox, image, category }. */
class Decisions extends EventTarget {
  /* content: of the page; another page of the same file may show other annotations. */
  constructor(content) {
    super();
    this.file = content.file;
    this.objects = new Map(content.objects.map((object) => [object.id, object]));
    this.images = content.images;
    this.names = content.category_names;
    this.allowed = content.decisions; // the words that decisions are
    this.key = `ssd-det review ${this.file.sha256}`;
    this.made = new Map();
    this.history = [];
    this.kept = true;
    this.recall();
    addEventListener("storage", (event) => {
      if (event.key !== this.key) return;
      this.recall();
      this.dispatchEvent(new Event("change"));
    });
  }

  /* A word, "trust" among them, or null. */
  of(id) {
    const made = this.made.get(id) ?? null;
    return made === null || typeof made === "string" ? made : "trust";
  }

  /* The box that is trusted, or null. */
  trusted(id) {
    return this.made.get(id)?.bbox ?? null;
  }

  /* The box that an object has as things are decided. */
  box(object) {
    return this.trusted(object.id) ?? (this.of(object.id) === "reject" ? object.original : object.box);
  }

  /* How many annotations of this page have this decision. */
  count(decision) {
    return [...this.made.keys()].filter((id) => this.objects.has(id) && this.of(id) === decision).length;
  }

  /* Decide about several annotations in one step. */
  decide(ids, decision) {
    this.recall();
    const changed = ids.filter((id) => this.objects.get(id)?.original && this.of(id) !== decision);
    if (changed.length) this.step(changed.map((id) => [id, decision]));
  }

  /* Trust boxes, [id, box] each, in one step; joined: as a part of the last one, if that was of the same annotation. */
  trust(boxes, joined = false) {
    this.recall();
    const changed = boxes
      .filter(([id, box]) => this.trusted(id)?.join() !== box.join())
      .map(([id, box]) => [id, this.described(id, box)]);
    const last = this.history.at(-1);
    if (joined && changed.length === 1 && last?.length === 1 && last[0][0] === changed[0][0]) {
      this.set(...changed[0]);
      this.save();
    } else if (changed.length) this.step(changed);
  }

  described(id, bbox) {
    const object = this.objects.get(id);
    const { name, width, height } = this.images[object.image];
    return { bbox, image: { file_name: name, width, height }, category: this.names[object.category] };
  }

  /* Take the last step back; returns the ids of its annotations. */
  undo() {
    this.recall();
    const step = this.history.pop() ?? [];
    step.forEach(([id, earlier]) => this.set(id, earlier));
    this.save();
    return step.map(([id]) => id);
  }

  step(entries) {
    this.history.push(entries.map(([id]) => [id, this.made.get(id) ?? null]));
    entries.forEach(([id, decision]) => this.set(id, decision));
    this.save();
  }

  set(id, decision) {
    if (decision === null) this.made.delete(id);
    else this.made.set(id, decision);
  }

  /* Add the decisions of an exported text in one step; throws an Error that says what is wrong. */
  load(text) {
    const entries = readExported(text, this);
    this.recall();
    this.step(entries);
    return entries.length;
  }

  save() {
    this.kept = remember(this.key, JSON.stringify({ made: [...this.made], history: this.history }));
    this.dispatchEvent(new Event("change"));
  }

  /* Take what is remembered, which another window may have changed. */
  recall() {
    const saved = remembered(this.key);
    if (saved === null) return;
    try {
      const { made, history } = JSON.parse(saved);
      this.made = new Map(made);
      this.history = [...history];
    } catch {
      // Something that no page wrote: the next decision replaces it.
    }
  }
}
