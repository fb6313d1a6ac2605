"use strict";

/* One object large: close by, or in its whole image among the others. */
class Viewer {
  constructor(dialog, content, decisions) {
    this.dialog = dialog;
    this.content = content;
    this.decisions = decisions;
    this.zoomed = true;
    this.group = [];
    this.stage = dialog.querySelector("#stage");
    decisions.addEventListener("change", () => this.group.length && this.verdict());
  }

  get open() {
    return this.dialog.open;
  }

  /* Show a group of objects; whole: as an image; zoomed: whether close by, as it was where not given. */
  show(group, whole, zoomed = this.zoomed) {
    this.group = group;
    this.whole = whole;
    this.zoomed = zoomed && group.length === 1;
    this.draw();
    this.tell();
    this.verdict();
    if (!this.open) this.dialog.showModal();
  }

  draw() {
    const [object] = this.group;
    const image = this.content.images[object.image];
    const whole = [0, 0, image.width, image.height];
    const layers = [];
    if (image.missing === null) {
      layers.push([`review_files/images/${object.image}.jpg`, whole]);
      if (this.zoomed) layers.push([`review_files/crops/${object.index}.jpg`, object.crop]); // at full resolution
    }
    const shown = this.zoomed ? this.group : this.content.objects.filter((other) => other.image === object.image);
    const label = this.whole ? image.name : describe(this.content, object);
    const drawn = picture(label, this.zoomed ? object.crop : whole, layers, shown, this.group);
    this.stage.replaceChildren(drawn);
    if (image.missing !== null) {
      this.stage.append(element("p", { class: "missing" }, `This image cannot be shown: ${image.missing}`));
    }
    const button = this.dialog.querySelector("#zoom");
    button.setAttribute("aria-pressed", this.zoomed);
    button.disabled = this.group.length > 1;
  }

  tell() {
    const [object] = this.group;
    const image = this.content.images[object.image];
    const title = this.whole ? image.name : this.content.categories[object.category];
    this.dialog.querySelector("#viewer-title").textContent = title;
    const facts = [["Image", `${image.name}, ${image.width} × ${image.height} px`]];
    if (!this.whole) {
      facts.unshift(["Annotation", object.id]);
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

  verdict() {
    const group = this.group.filter((object) => object.original);
    const count = (decision) => group.filter((object) => this.decisions.of(object.id) === decision).length;
    const [accepted, rejected] = [count("accept"), count("reject")];
    const text = this.dialog.querySelector("#verdict");
    text.className = `verdict ${rejected ? "rejected" : accepted ? "accepted" : ""}`;
    if (!group.length) text.textContent = "Left as it was by refining.";
    else if (group.length > 1) text.textContent = `${accepted} accepted, ${rejected} rejected of ${group.length}`;
    else text.textContent = accepted ? "✓ accepted" : rejected ? "✕ rejected" : "not decided";
    for (const action of ["accept", "reject"]) {
      this.dialog.querySelector(`[data-action=${action}]`).disabled = !group.length;
    }
  }
}
