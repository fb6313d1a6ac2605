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

/* A picture of a region xywh; layers are [address, region xywh], the lowest first. */
function picture(label, region, layers, objects, chosen = objects) {
  const svg = shape("svg", { viewBox: region.join(" "), role: "img", "aria-label": label });
  for (const [address, [x, y, width, height]] of layers) {
    svg.append(shape("image", { href: address, x, y, width, height, preserveAspectRatio: "none" }));
  }
  for (const object of objects) svg.append(boxes(object, chosen.includes(object)));
  return svg;
}

/* The boxes of an object, each with a dark line under it that sets it apart from any background. */
function boxes(object, chosen) {
  const group = shape("g", { class: chosen ? "boxes" : "boxes other" });
  const drawn = object.original
    ? [["true", object.true], ["original", object.original], ["refined", object.box]]
    : [["true", object.true], ["original", object.box]];
  for (const [kind, box] of drawn) {
    if (!box) continue;
    const [x, y, width, height] = box;
    for (const line of ["halo", "line"]) group.append(shape("rect", { class: `${kind} ${line}`, x, y, width, height }));
  }
  return group;
}
