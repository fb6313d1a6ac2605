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

/* What was decided about refined boxes: kept in the browser, exported and loaded as json. */
class Decisions extends EventTarget {
  /* file: name and sha256 of the annotation file; ids: of the annotations that can be decided on. */
  constructor(file, ids) {
    super();
    this.file = file;
    this.ids = new Set(ids);
    this.key = `ssd-det review ${file.sha256}`;
    const saved = JSON.parse(remembered(this.key) ?? "{}");
    this.made = new Map(saved.made ?? []);
    this.history = saved.history ?? [];
    this.kept = true;
  }

  of(id) {
    return this.made.get(id) ?? null;
  }

  /* How many annotations of this page were decided on so; another page of the same file may show others. */
  count(decision) {
    return [...this.made].filter(([id, made]) => this.ids.has(id) && made === decision).length;
  }

  /* Decide about several annotations in one step; says how many it is new for. */
  decide(ids, decision) {
    const changed = ids.filter((id) => this.ids.has(id) && this.of(id) !== decision);
    if (changed.length) {
      this.history.push(changed.map((id) => [id, this.of(id)]));
      changed.forEach((id) => this.set(id, decision));
      this.save();
    }
    return changed.length;
  }

  /* Take the last step back; gives the ids of its annotations. */
  undo() {
    const step = this.history.pop() ?? [];
    step.forEach(([id, earlier]) => this.set(id, earlier));
    this.save();
    return step.map(([id]) => id);
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

  /* Take decisions from an exported text, in one step; throws an Error that says what is wrong. */
  load(text) {
    let content;
    try {
      content = JSON.parse(text);
    } catch {
      throw new Error("The file is not json: load one that was exported here.");
    }
    if (typeof content?.decisions !== "object" || content.decisions === null) {
      throw new Error("The file holds no decisions: load one that was exported here.");
    }
    if (content.sha256 !== this.file.sha256) {
      throw new Error(`The decisions were made on another file, ${content.annotations}: open its page.`);
    }
    const wrong = Object.entries(content.decisions).find(
      ([id, decision]) => !this.ids.has(id) || !["accept", "reject"].includes(decision),
    );
    if (wrong) throw new Error(`Annotation ${wrong[0]} is not among the refined ones of this page.`);
    const entries = Object.entries(content.decisions);
    this.history.push(entries.map(([id]) => [id, this.of(id)]));
    entries.forEach(([id, decision]) => this.set(id, decision));
    this.save();
    return entries.length;
  }

  save() {
    this.kept = remember(this.key, JSON.stringify({ made: [...this.made], history: this.history }));
    this.dispatchEvent(new Event("change"));
  }
}
