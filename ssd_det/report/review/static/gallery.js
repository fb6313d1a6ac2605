"use strict";

/* A grid of tiles of which only those near the visible part are in the page. Each tile stands for a group of objects:
   one in the view of objects, those of an image in the view of images. */
const GAP = 12;
const CAPTION = 92;
const LEAST_SIDE = { object: 168, image: 250 };
const SPARE_ROWS = 2;
const DECIDE = [["reject", "✕", "Reject"], ["accept", "✓", "Accept"]];
const CHECK = [["trust", "★", "Right as it is:"]]; // boxes that were not refined

class Gallery {
  /* act: called with the name of an action and the index of a tile. */
  constructor(list, content, decisions, act) {
    this.list = list;
    this.content = content;
    this.decisions = decisions;
    this.groups = [];
    this.whole = false;
    this.current = 0;
    this.tiles = new Map();
    new ResizeObserver(() => this.lay()).observe(list);
    addEventListener("scroll", () => this.schedule(), { passive: true });
    addEventListener("resize", () => this.schedule());
    decisions.addEventListener("change", () => this.tiles.forEach((tile, index) => this.mark(tile, index)));
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) act(button.dataset.action, Number(button.closest("li").dataset.index));
    });
    list.addEventListener("focusin", (event) => {
      const tile = event.target.closest("li");
      if (tile) this.choose(Number(tile.dataset.index));
    });
  }

  /* Show groups of objects; whole: as whole images. */
  show(groups, whole) {
    this.groups = groups;
    this.whole = whole;
    this.current = 0;
    this.clear();
    this.lay();
  }

  clear() {
    this.tiles.forEach((tile) => tile.remove());
    this.tiles.clear();
  }

  /* Find columns and sizes; where they change, what was in view stays there, and what had the focus keeps it. */
  lay() {
    const focused = this.list.contains(document.activeElement);
    const anchor = focused || !this.row || this.inView(this.current) ? this.current : this.firstInView();
    const scrolled = this.list.getBoundingClientRect().top < 0;
    const width = this.list.clientWidth;
    const least = this.whole ? LEAST_SIDE.image : LEAST_SIDE.object;
    const columns = Math.max(Math.floor((width + GAP) / (least + GAP)), this.whole ? 1 : 2);
    const side = Math.floor((width - GAP * (columns - 1)) / columns);
    const changed = columns !== this.columns || side !== this.side;
    if (changed) this.clear();
    Object.assign(this, { columns, side, row: side + CAPTION + GAP });
    this.list.style.height = `${Math.ceil(this.groups.length / columns) * this.row}px`;
    this.render();
    if (!changed || !this.groups.length) return;
    if (scrolled) scrollBy(0, this.list.getBoundingClientRect().top + Math.floor(anchor / columns) * this.row - barHeight());
    this.render();
    if (focused) this.go(this.current);
  }

  /* The first tile that is wholly below the bar. */
  firstInView() {
    const above = barHeight() - this.list.getBoundingClientRect().top;
    const first = Math.max(Math.ceil(above / this.row), 0) * this.columns;
    return Math.min(first, Math.max(this.groups.length - 1, 0));
  }

  inView(index) {
    const top = this.list.getBoundingClientRect().top + Math.floor(index / this.columns) * this.row;
    return top + this.side > barHeight() && top < innerHeight;
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }

  render() {
    const above = -this.list.getBoundingClientRect().top;
    const first = Math.max(Math.floor(above / this.row) - SPARE_ROWS, 0) * this.columns;
    const last = (Math.ceil((above + innerHeight) / this.row) + SPARE_ROWS) * this.columns;
    const wanted = new Set();
    for (let index = first; index < Math.min(last, this.groups.length); index += 1) wanted.add(index);
    if (this.current < this.groups.length) wanted.add(this.current); // it may have the focus
    this.tiles.forEach((tile, index) => {
      if (!wanted.has(index)) {
        tile.remove();
        this.tiles.delete(index);
      }
    });
    for (const index of [...wanted].sort((a, b) => a - b)) if (!this.tiles.has(index)) this.add(index);
  }

  add(index) {
    const tile = this.tile(this.groups[index]);
    tile.dataset.index = index;
    tile.setAttribute("aria-setsize", this.groups.length);
    tile.setAttribute("aria-posinset", index + 1);
    tile.style.width = `${this.side}px`;
    tile.style.height = `${this.side + CAPTION}px`;
    tile.style.left = `${(index % this.columns) * (this.side + GAP)}px`;
    tile.style.top = `${Math.floor(index / this.columns) * this.row}px`;
    const next = [...this.tiles.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.list.insertBefore(tile, this.tiles.get(next) ?? null); // in order, for the tab key and for screen readers
    this.tiles.set(index, tile);
    this.mark(tile, index);
  }

  tile(group) {
    const [object] = group;
    const image = this.content.images[object.image];
    const title = this.whole ? image.name : this.content.categories[object.category];
    const label = this.whole ? `${image.name}, ${group.length} boxes` : describe(this.content, object);
    const region = this.whole ? [0, 0, image.width, image.height] : object.crop;
    const address = this.whole ? `review_files/thumbs/${object.image}.jpg` : `review_files/crops/${object.index}.jpg`;
    const layers = image.missing === null ? [[address, region]] : [];
    const open = element("button", { type: "button", class: "open", "data-action": "open", "aria-haspopup": "dialog" });
    open.append(picture(label, region, layers));
    if (image.missing !== null) open.append(element("span", { class: "missing" }, "cannot be shown"));
    const caption = element("div", { class: "caption" });
    const name = element("span", { class: "name", title }, element("strong", {}, title));
    if (!this.whole) name.append(element("span", { class: "id" }, `#${object.id}`));
    caption.append(name, element("span", { class: "numbers" }, this.numbers(group)));
    const verdict = element("span", { class: "verdict" });
    const actions = element("div", { class: "actions" });
    const refined = group.some((object) => object.original);
    for (const [action, sign, text] of refined ? DECIDE : CHECK) {
      const button = element("button", { type: "button", class: action, "data-action": action, title: text });
      button.append(element("span", { "aria-hidden": "true" }, sign));
      button.setAttribute("aria-label", this.whole ? `${text} all boxes of ${image.name}` : `${text} ${object.id}`);
      actions.append(button);
    }
    return element("li", { class: "tile" }, open, caption, element("div", { class: "foot" }, verdict, actions));
  }

  numbers(group) {
    if (this.whole) return `${group.length} ${group.length === 1 ? "box" : "boxes"}`;
    const [object] = group;
    if (object.chosen) return object.chosen;
    if (!object.original) return "";
    const score = object.score === null ? "" : `score ${object.score.toFixed(2)} · `;
    return `${score}Δ ${object.shift.toFixed(object.shift < 100 ? 1 : 0)} px`;
  }

  /* Bring a tile up to date with the decisions and with what is current. */
  mark(tile, index) {
    const group = this.groups[index];
    const made = group.map((object) => this.decisions.of(object.id));
    const [accepted, rejected, trusted] = ["accept", "reject", "trust"].map((kind) => made.filter((one) => one === kind).length);
    tile.classList.toggle("accepted", accepted > 0 && !rejected);
    tile.classList.toggle("rejected", rejected > 0);
    tile.classList.toggle("trusted", trusted > 0 && !rejected && !accepted);
    tile.classList.toggle("current", index === this.current);
    const refined = group.filter((object) => object.original).length;
    tile.querySelector(".verdict").textContent = this.verdict(refined, group, accepted, rejected, trusted);
    this.paint(tile, group);
    tile.querySelectorAll("button").forEach((button) => {
      button.tabIndex = index === this.current ? 0 : -1;
    });
  }

  verdict(refined, group, accepted, rejected, trusted) {
    if (!accepted && !rejected && !trusted && group.every((object) => object.trusted)) return "☆ trusted"; // in the file
    if (!refined && !trusted) return this.content.choosing ? "" : "as it was";
    if (group.length === 1) return trusted ? "★ trusted" : accepted ? "✓ accepted" : rejected ? "✕ rejected" : "";
    return [accepted && `✓ ${accepted}`, rejected && `✕ ${rejected}`, trusted && `★ ${trusted}`].filter(Boolean).join("  ");
  }

  /* Draw the boxes of a tile, unless they are there as they are. */
  paint(tile, group) {
    const state = group.map((object) => this.decisions.trusted(object.id)?.join()).join(";");
    if (tile.dataset.boxes === state) return;
    tile.dataset.boxes = state;
    drawBoxes(tile.querySelector("svg"), this.decisions, group);
  }

  /* Make a tile the current one. */
  choose(index) {
    if (index === this.current && this.tiles.has(index)) return;
    const before = this.current;
    this.current = index;
    this.render();
    for (const changed of [before, index]) if (this.tiles.has(changed)) this.mark(this.tiles.get(changed), changed);
  }

  /* Make a tile the current one, scroll to it and give it the focus. */
  go(index) {
    if (!this.groups.length) return;
    const target = Math.min(Math.max(index, 0), this.groups.length - 1);
    this.choose(target);
    const tile = this.tiles.get(target);
    tile.style.scrollMarginTop = `${barHeight() + GAP}px`;
    tile.scrollIntoView({ block: "nearest" });
    tile.querySelector(".open").focus({ preventScroll: true });
  }
}

/* How much of the window the bar on top covers. */
function barHeight() {
  const bar = document.getElementById("bar");
  return getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
}

/* An object in words, for those who do not see it. */
function describe(content, object) {
  const what = `${content.categories[object.category]}, annotation ${object.id}`;
  if (object.chosen) return `${what}, chosen: ${object.chosen}`;
  if (!object.original) return `${what}, left as it was`;
  const score = object.score === null ? "" : `, score ${object.score.toFixed(2)}`;
  return `${what}, moved by ${object.shift.toFixed(1)} pixels${score}`;
}
