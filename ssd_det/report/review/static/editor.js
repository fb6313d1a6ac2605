"use strict";

/* Correcting the box of one object in the large view, by pointer and keys. */
const REACH = { mouse: 9, touch: 22, pen: 14 }; // pixels of the screen around a side, in which it can be taken
const STILL = 3; // pixels of the screen that a click may move
const HANDLE = 5; // pixels of the screen
const LEAST_SIDE_LENGTH = 1; // of an edited box, in pixels of the image
const LEAST_VISIBLE = 0.001; // pixels of the image, as in the annotation files
const PARTS = { box: ["left", "top", "right", "bottom"], left: ["left"], top: ["top"], right: ["right"], bottom: ["bottom"] };
const NUDGES = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

class Editor {
  /* stage: holds the picture; changed: called where the mode changes. */
  constructor(stage, content, decisions, changed) {
    Object.assign(this, { stage, content, decisions, changed });
    this.object = null;
    this.part = null; // the sides that arrows move, null while they do not
    this.drag = null;
    stage.addEventListener("pointerdown", (event) => this.take(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", () => this.drop());
    stage.addEventListener("pointercancel", () => this.cancel());
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  /* Edit an object, or none, in a picture. */
  attach(svg, object) {
    const editable = object && !object.fixed ? object : null;
    if (editable !== this.object) this.part = null; // arrows go on to other boxes until editing is asked for again
    Object.assign(this, { svg, object: editable, drag: null });
    svg.classList.toggle("editable", editable !== null);
    this.draw();
  }

  get image() {
    return this.content.images[this.object.image];
  }

  get box() {
    return this.drag?.box ?? this.decisions.box(this.object);
  }

  /* Let arrows move some sides; null: none. */
  choose(part) {
    if (!this.object) return;
    this.part = part;
    this.draw();
    this.changed();
  }

  /* Draw the handles, and the box while it is moved. */
  draw() {
    this.svg?.querySelector(".edit")?.remove();
    if (!this.object) return;
    const group = shape("g", { class: "edit" });
    if (this.drag?.moved) group.append(...outline("trusted", this.box));
    const [x, y, width, height] = this.box;
    const places = { left: [[x, y + height / 2]], top: [[x + width / 2, y]], right: [[x + width, y + height / 2]] };
    places.bottom = [[x + width / 2, y + height]];
    places.corner = [x, x + width].flatMap((cx) => [y, y + height].map((cy) => [cx, cy]));
    const r = HANDLE / this.scale();
    for (const [name, points] of Object.entries(places)) {
      const taken = this.part && (name === "corner" ? this.part.length === 4 : this.part.includes(name));
      for (const [cx, cy] of points) group.append(shape("circle", { class: taken ? "handle taken" : "handle", cx, cy, r }));
    }
    this.svg.append(group);
  }

  /* How many pixels of the screen a pixel of the image has. */
  scale() {
    return this.svg.getScreenCTM()?.a || 1;
  }

  point(event) {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [x, y];
  }

  take(event) {
    const hidden = document.body.classList.contains("no-trusted");
    if (!this.object || hidden || !event.isPrimary || event.button !== 0) return;
    const start = this.point(event);
    const sides = sidesAt(start, this.box, (REACH[event.pointerType] ?? REACH.mouse) / this.scale());
    if (!sides) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.drag = { start, sides, before: this.box, box: this.box, moved: false };
    this.choose(sides);
  }

  move(event) {
    if (!this.object) return;
    const [x, y] = this.point(event);
    if (!this.drag) {
      const sides = sidesAt([x, y], this.box, REACH.mouse / this.scale());
      this.svg.style.cursor = cursorOf(sides);
      return;
    }
    const { start, sides, before } = this.drag;
    const [dx, dy] = [x - start[0], y - start[1]];
    this.drag.moved ||= Math.hypot(dx, dy) * this.scale() > STILL;
    if (!this.drag.moved) return;
    this.drag.box = movedBox(before, sides, rounded(dx, 1), rounded(dy, 1), this.image);
    this.draw();
    this.changed();
  }

  drop() {
    const { drag } = this;
    this.drag = null;
    if (drag?.moved) this.save(drag.box);
  }

  cancel() {
    this.drag = null;
    this.draw();
    this.changed();
  }

  /* Move the chosen sides by the step of an arrow key; a key that is held down makes one step of undo. */
  nudge(key, far, repeated) {
    const [dx, dy] = NUDGES[key].map((step) => step * (far ? 10 : 1));
    this.save(movedBox(this.box, this.part, dx, dy, this.image), repeated);
  }

  save(box, joined = false) {
    if (isVisible(box, this.image)) this.decisions.trust([[this.object.id, box]], joined);
    this.draw();
    this.changed();
  }
}

/* Whether a box has an area in its image. */
function isVisible([x, y, width, height], image) {
  const wide = Math.min(x + width, image.width) - Math.max(x, 0);
  const high = Math.min(y + height, image.height) - Math.max(y, 0);
  return Math.min(width, height, wide, high) >= LEAST_VISIBLE;
}

/* The sides of a box that are within reach of a point, all of them inside of it; null where there is nothing. */
function sidesAt([px, py], [x, y, width, height], reach) {
  const near = (distance, length) => distance >= -reach && distance <= Math.min(reach, length / 4);
  if (px < x - reach || px > x + width + reach || py < y - reach || py > y + height + reach) return null;
  const sides = [
    near(px - x, width) && "left",
    near(py - y, height) && "top",
    near(x + width - px, width) && "right",
    near(y + height - py, height) && "bottom",
  ].filter(Boolean);
  return sides.length ? sides : PARTS.box;
}

function cursorOf(sides) {
  if (!sides) return "";
  if (sides.length === 4) return "move";
  if (sides.length === 1) return ["left", "right"].includes(sides[0]) ? "ew-resize" : "ns-resize";
  return ["left,top", "right,bottom"].includes(sides.join()) ? "nwse-resize" : "nesw-resize";
}

/* A box xywh with some sides moved; it stays in the image, and keeps an area. What is not moved keeps its digits. */
function movedBox([x, y, width, height], sides, dx, dy, image) {
  const [left, wide] = movedSpan(x, width, sides.includes("left"), sides.includes("right"), dx, image.width);
  const [top, high] = movedSpan(y, height, sides.includes("top"), sides.includes("bottom"), dy, image.height);
  return [left, top, wide, high];
}

/* A span with its low end, its high end or both moved, within 0 and a limit, but where it was outside already. */
function movedSpan(start, length, low, high, shift, limit) {
  const end = start + length;
  const [least, most] = [Math.min(start, 0), Math.max(end, limit)];
  const short = Math.min(LEAST_SIDE_LENGTH, length);
  if (low && high) return [rounded(start + clamped(shift, least - start, most - end), 3), length];
  if (low) {
    const moved = rounded(clamped(start + shift, least, end - short), 3);
    return [moved, moved === start ? length : rounded(end - moved, 3)];
  }
  return [start, high ? rounded(clamped(end + shift, start + short, most) - start, 3) : length];
}

function clamped(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

function rounded(value, digits) {
  return Number(value.toFixed(digits));
}
