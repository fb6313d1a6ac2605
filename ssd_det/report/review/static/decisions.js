"use strict";

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

/* What was decided about refined boxes: kept in the browser, for all its windows, exported and loaded as json. */
class Decisions extends EventTarget {
  /* file: name, sha256 and number of annotations of the annotation file; ids: of the annotations of this page that can
     be decided on, while another page of the same file may show others; allowed: the words that decisions are. */
  constructor(file, ids, allowed) {
    super();
    this.file = file;
    this.ids = new Set(ids);
    this.allowed = allowed;
    this.key = `ssd-det review ${file.sha256}`;
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

  of(id) {
    return this.made.get(id) ?? null;
  }

  /* How many annotations of this page have this decision. */
  count(decision) {
    return [...this.made].filter(([id, made]) => this.ids.has(id) && made === decision).length;
  }

  /* Decide about several annotations in one step. */
  decide(ids, decision) {
    this.recall();
    const changed = ids.filter((id) => this.ids.has(id) && this.of(id) !== decision);
    if (changed.length) this.step(changed.map((id) => [id, decision]));
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
    this.history.push(entries.map(([id]) => [id, this.of(id)]));
    entries.forEach(([id, decision]) => this.set(id, decision));
    this.save();
  }

  set(id, decision) {
    if (decision === null) this.made.delete(id);
    else this.made.set(id, decision);
  }

  exported() {
    return {
      annotations: this.file.name,
      sha256: this.file.sha256,
      decisions: Object.fromEntries(this.made),
    };
  }

  /* Add the decisions of an exported text in one step; throws an Error that says what is wrong. */
  load(text) {
    let content;
    try {
      content = JSON.parse(text);
    } catch {
      throw new Error("The file is not json: load one that was exported here.");
    }
    const { decisions, sha256 } = content ?? {};
    if (typeof sha256 !== "string" || typeof decisions !== "object" || decisions === null || Array.isArray(decisions)) {
      throw new Error("The file holds no decisions: load one that was exported here.");
    }
    if (sha256 !== this.file.sha256) throw new Error("The decisions were made on another file: load them on its page.");
    const entries = Object.entries(decisions);
    const odd = entries.find(([, decision]) => !this.allowed.includes(decision));
    if (odd) {
      const words = this.allowed.join(" nor ");
      throw new Error(`The decision on annotation ${odd[0]} is neither ${words}: export the decisions once more.`);
    }
    const unknown = this.file.whole && entries.find(([id]) => !this.ids.has(id));
    if (unknown) throw new Error(`Annotation ${unknown[0]} is not among the refined ones: export the decisions once more.`);
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
