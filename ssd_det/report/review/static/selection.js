"use strict";

/* Which objects are shown, and in which order. */
const ORDERS = {
  moved: ["moved most", (a, b) => (a.iou ?? 1) - (b.iou ?? 1)],
  shift: ["shift in pixels", (a, b) => (b.shift ?? 0) - (a.shift ?? 0)],
  doubtful: ["score, lowest first", (a, b) => (a.score ?? 2) - (b.score ?? 2), "score"],
  sure: ["score, highest first", (a, b) => (b.score ?? -1) - (a.score ?? -1), "score"],
  worse: ["got worse most", (a, b) => (a.after ?? 2) - (a.before ?? 0) - (b.after ?? 2) + (b.before ?? 0), "after"],
  far: ["furthest from the true box", (a, b) => (a.after ?? 2) - (b.after ?? 2), "after"],
  small: ["size, smallest first", (a, b) => area(a) - area(b)],
  large: ["size, largest first", (a, b) => area(b) - area(a)],
  category: ["category", (a, b) => a.category - b.category],
  file: ["image", (a, b) => a.image - b.image],
};

function area(object) {
  return object.box[2] * object.box[3];
}

function sizeOf(content, object) {
  return content.sizes.find(({ below }) => below === null || area(object) < below).name;
}

/* The sizes to filter by, as [name, text]. */
function sizes(content) {
  return content.sizes.map(({ name, below }, index) => {
    if (index === 0) return [name, `${name}, below ${Math.sqrt(below)}² px`];
    return [name, below === null ? `${name}, from ${Math.sqrt(content.sizes[index - 1].below)}² px` : name];
  });
}

/* The orders whose values are known, as [name, text]. */
function orders(objects) {
  return Object.entries(ORDERS)
    .filter(([, [, , needed]]) => !needed || objects.some((object) => object[needed] !== null))
    .map(([name, [text]]) => [name, text]);
}

/* The objects that fit the filters, a FormData, in their order. */
function selected(content, decisions, filters) {
  const get = (name) => filters.get(name) ?? "";
  const text = get("text").trim().toLowerCase();
  const from = get("from") === "" ? null : Number(get("from"));
  const to = get("to") === "" ? null : Number(get("to"));
  const fits = (object) =>
    (!get("changed") || (get("changed") === "yes") === (object.original !== null)) &&
    (!get("decision") || (decisions.of(object.id) ?? "none") === get("decision")) &&
    (get("category") === "" || object.category === Number(get("category"))) &&
    (!get("size") || sizeOf(content, object) === get("size")) &&
    (from === null || (object.score !== null && object.score >= from)) &&
    (to === null || (object.score !== null && object.score <= to)) &&
    (!text || object.id === text.replace("#", "") || content.images[object.image].name.toLowerCase().includes(text));
  const compare = ORDERS[get("sort")][1];
  return content.objects.filter(fits).sort((a, b) => compare(a, b) || a.index - b.index);
}

/* Objects by image, in the order of the first of each. */
function byImage(objects) {
  const groups = new Map();
  for (const object of objects) {
    if (!groups.has(object.image)) groups.set(object.image, []);
    groups.get(object.image).push(object);
  }
  return [...groups.values()];
}
