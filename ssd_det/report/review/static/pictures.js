"use strict";

/* Images with boxes over them, as svg: its units are the pixels of the original image. */
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/* A picture of a region xywh, without boxes yet; layers are [address, region xywh], the lowest first. */
function picture(label, region, layers) {
  const svg = shape("svg", { viewBox: region.join(" "), role: "img", "aria-label": label });
  for (const [address, [x, y, width, height]] of layers) {
    svg.append(shape("image", { href: address, x, y, width, height, preserveAspectRatio: "none" }));
  }
  return svg;
}

/* Draw the boxes of objects into a picture, instead of those that are there; chosen ones stand out. */
function drawBoxes(svg, decisions, objects, chosen = objects) {
  svg.querySelectorAll(".boxes").forEach((group) => group.remove());
  svg.append(...objects.map((object) => boxes(object, chosen.includes(object), decisions.trusted(object.id))));
}

/* The boxes of an object, each with a dark line under it that sets it apart from any background. */
function boxes(object, chosen, trusted) {
  const group = shape("g", { class: chosen ? "boxes" : "boxes other" });
  const own = object.original ? [["original", object.original], ["refined", object.box]] : [["original", object.box]];
  for (const [kind, box] of [["true", object.true], ...own, ["trusted", trusted]]) {
    if (box) group.append(...outline(kind, box));
  }
  return group;
}

function outline(kind, [x, y, width, height]) {
  return ["halo", "line"].map((line) => shape("rect", { class: `${kind} ${line}`, x, y, width, height }));
}
