"use strict";

const SMALLEST_VIEW = 12; // pixels of the image, across

/* One object large: close by, or in its whole image among the others. */
class Viewer {
  constructor(dialog, content, decisions) {
    this.dialog = dialog;
    this.content = content;
    this.decisions = decisions;
    this.zoomed = true;
    this.group = [];
    this.stage = dialog.querySelector("#stage");
    this.editor = new Editor(this.stage, content, decisions, () => this.tellBox());
    decisions.addEventListener("change", () => this.group.length && this.update());
    this.stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.magnify(event.deltaY < 0 ? 1.25 : 0.8, this.editor.point(event));
      },
      { passive: false },
    );
  }

  get open() {
    return this.dialog.open;
  }

  /* Show a group of objects; whole: as an image; zoomed: whether close by, as it was where not given. */
  show(group, whole, zoomed = this.zoomed) {
    this.group = group;
    this.whole = whole;
    this.zoomed = zoomed && group.length === 1;
    if (!this.open) this.dialog.showModal(); // first, as handles are drawn by the size on the screen
    this.draw();
    this.tell();
    this.update();
  }

  get image() {
    return this.content.images[this.group[0].image];
  }

  draw() {
    const [object] = this.group;
    const { image } = this;
    const whole = [0, 0, image.width, image.height];
    const layers = [];
    if (image.missing === null) {
      layers.push([`review_files/images/${object.image}.jpg`, whole]);
      if (this.zoomed) layers.push([`review_files/crops/${object.index}.jpg`, object.crop]); // at full resolution
    }
    const label = this.whole ? image.name : describe(this.content, object);
    this.svg = picture(label, this.zoomed ? object.crop : whole, layers);
    this.stage.replaceChildren(this.svg);
    if (image.missing !== null) {
      this.stage.append(element("p", { class: "missing" }, `This image cannot be shown: ${image.missing}`));
    }
    const button = this.dialog.querySelector("#zoom");
    button.setAttribute("aria-pressed", this.zoomed);
    button.disabled = this.group.length > 1;
    this.editor.attach(this.svg, this.group.length === 1 && !this.whole ? object : null);
  }

  /* Show more or less of the image, around a point, the middle of the box where not given. */
  magnify(factor, around = this.middle()) {
    const { image } = this;
    const region = this.svg.viewBox.baseVal;
    const before = [region.width, region.height];
    const least = Math.min(SMALLEST_VIEW / Math.min(...before), 1);
    const most = Math.max(image.width / before[0], image.height / before[1], 1);
    const ratio = Math.min(Math.max(1 / factor, least), most);
    const starts = [region.x, region.y].map((start, axis) => {
      const size = before[axis] * ratio;
      const limit = [image.width, image.height][axis];
      const wanted = around[axis] - (around[axis] - start) * ratio;
      return size >= limit ? (limit - size) / 2 : Math.min(Math.max(wanted, 0), limit - size);
    });
    this.svg.setAttribute("viewBox", [...starts, ...before.map((size) => size * ratio)].join(" "));
    this.editor.draw();
  }

  middle() {
    const [x, y, width, height] = this.decisions.box(this.group[0]);
    return [x + width / 2, y + height / 2];
  }

  tell() {
    const [object] = this.group;
    const { image } = this;
    const title = this.whole ? image.name : this.content.categories[object.category];
    this.dialog.querySelector("#viewer-title").textContent = title;
    const facts = [["Image", `${image.name}, ${image.width} × ${image.height} px`]];
    if (!this.whole) {
      facts.unshift(["Annotation", object.id]);
      if (object.chosen) facts.push(["Chosen", object.chosen]);
      facts.push(["Size", `${object.box[2].toFixed(1)} × ${object.box[3].toFixed(1)} px`]);
      if (object.score !== null) facts.push(["Score", object.score.toFixed(3)]);
      if (object.original) {
        facts.push(["Centre moved", `${object.shift.toFixed(1)} px`], ["IoU with original", object.iou.toFixed(3)]);
      }
      if (object.after !== null) {
        const earlier = object.original ? `${object.before.toFixed(3)} → ` : "";
        facts.push(["IoU with true box", `${earlier}${object.after.toFixed(3)}`]);
      }
    } else {
      facts.push(["Boxes", String(this.group.length)]);
    }
    const rows = facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
    this.dialog.querySelector("#facts").replaceChildren(...rows);
  }

  /* Bring all up to date with the decisions. */
  update() {
    const [object] = this.group;
    const shown = this.zoomed ? this.group : this.content.objects.filter((other) => other.image === object.image);
    drawBoxes(this.svg, this.decisions, shown, this.group);
    this.editor.draw();
    this.verdict();
    this.tellBox();
  }

  verdict() {
    const group = this.group.filter((object) => object.original);
    const count = (decision) => this.group.filter((object) => this.decisions.of(object.id) === decision).length;
    const [accepted, rejected, trusted] = [count("accept"), count("reject"), count("trust")];
    const text = this.dialog.querySelector("#verdict");
    text.className = `verdict ${rejected ? "rejected" : trusted ? "trusted" : accepted ? "accepted" : ""}`;
    if (this.group.length > 1) {
      const also = trusted ? `, ${trusted} trusted` : "";
      text.textContent = `${accepted} accepted, ${rejected} rejected${also} of ${group.length || this.group.length}`;
    } else if (trusted) text.textContent = this.corrected() ? "★ trusted, as you corrected it" : "★ trusted, right as it is";
    else if (this.group[0].trusted) text.textContent = "☆ trusted, in the file";
    else if (!group.length) text.textContent = this.content.choosing ? "not checked" : "Left as it was by refining.";
    else text.textContent = accepted ? "✓ accepted" : rejected ? "✕ rejected" : "not decided";
    for (const action of ["accept", "reject"]) {
      this.dialog.querySelector(`[data-action=${action}]`).disabled = !group.length;
    }
  }

  /* Whether the trusted box of the object is another than those of the file. */
  corrected() {
    const [object] = this.group;
    const trusted = this.decisions.trusted(object.id).join();
    return trusted !== object.box.join() && trusted !== object.original?.join();
  }

  /* The numbers of the box, and what arrow keys do to it. */
  tellBox() {
    const { editor } = this;
    this.dialog.querySelector("#editing").hidden = !editor.object;
    this.dialog.querySelector("#edit").setAttribute("aria-pressed", editor.part !== null);
    for (const button of this.dialog.querySelectorAll("[data-part]")) {
      const sides = PARTS[button.dataset.part];
      const taken = editor.part && (sides.length === 4 ? editor.part.length === 4 : editor.part.length < 4 && editor.part.includes(sides[0]));
      button.setAttribute("aria-pressed", Boolean(taken));
    }
    if (!editor.object) return;
    const [x, y, width, height] = editor.box.map((value) => Number(value.toFixed(1)));
    const numbers = this.dialog.querySelector("#numbers");
    const text = `left ${x}, top ${y}, width ${width}, height ${height} px`;
    if (numbers.textContent !== text) numbers.textContent = text; // said once, not again with every change elsewhere
  }
}
