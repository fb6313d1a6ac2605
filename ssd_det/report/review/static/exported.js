"use strict";

/* The files that decisions are exported to: words under "decisions", and a COCO file of the trusted boxes. */

function exportedText({ file, made }) {
  const words = [...made].filter(([, decision]) => typeof decision === "string");
  const boxes = [...made].filter(([, decision]) => typeof decision !== "string");
  const images = new Map(boxes.map(([, { image }]) => [image.file_name, image]));
  const names = [...new Set(boxes.map(([, { category }]) => category))];
  const places = [...images.keys()];
  const head = {
    version: VERSION,
    file: file.name,
    sha256: file.sha256,
    decisions: Object.fromEntries(words),
    images: [...images.values()].map((image, id) => ({ id, ...image })),
    categories: names.map((name, id) => ({ id, name })),
  };
  const rows = boxes.map(([id, { bbox, image, category }]) => {
    const rest = { image_id: places.indexOf(image.file_name), category_id: names.indexOf(category), bbox, trusted: true };
    // As text: large numbers would be rounded, and the key is what is read here again.
    return `\n  {"id": ${id}, ${JSON.stringify({ key: id, ...rest }).slice(1)}`;
  });
  return `${JSON.stringify(head, null, 1).slice(0, -2)},\n "annotations": [${rows.join(",")}\n ]\n}\n`;
}

/* The decisions of an exported text of any version, [id, decision] each; throws an Error that says what is wrong. */
function readExported(text, decisions) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error("The file is not json: load one that was exported here.");
  }
  const { version = 1, decisions: words, sha256 } = content ?? {};
  if (version > VERSION) throw new Error("The file is of a newer version: write this page anew with that ssd-det.");
  const whole = version === 1 || ["images", "annotations", "categories"].every((key) => Array.isArray(content[key]));
  if (typeof sha256 !== "string" || typeof words !== "object" || words === null || Array.isArray(words) || !whole) {
    throw new Error("The file holds no decisions: load one that was exported here.");
  }
  if (sha256 !== decisions.file.sha256) throw new Error("The decisions were made on another file: load them on its page.");
  const entries = [...readWords(words, decisions), ...(version === 1 ? [] : readBoxes(content, decisions))];
  const seen = new Set();
  for (const [id] of entries) {
    if (seen.has(id)) throw new Error(`Annotation ${id} is there twice: remove one of its decisions or boxes.`);
    seen.add(id);
  }
  return entries;
}

function readWords(words, { allowed, file, objects }) {
  const entries = Object.entries(words);
  const odd = entries.find(([, decision]) => !allowed.includes(decision));
  if (odd) {
    throw new Error(`The decision on annotation ${odd[0]} is neither ${allowed.join(" nor ")}: export the decisions once more.`);
  }
  const unknown = file.whole && entries.find(([id]) => !objects.get(id)?.original);
  if (unknown) throw new Error(`Annotation ${unknown[0]} is not among the refined ones: export the decisions once more.`);
  return entries;
}

function readBoxes({ images, annotations, categories }, { file, objects, images: shown }) {
  const imageOf = new Map(images.map((image) => [image?.id, image]));
  const nameOf = new Map(categories.map((category) => [category?.id, category?.name]));
  return annotations.map((entry) => {
    const id = String(Number(entry?.key) === entry?.id ? entry.key : entry?.id);
    const { bbox } = entry ?? {};
    const [image, category] = [imageOf.get(entry?.image_id), nameOf.get(entry?.category_id)];
    if (!/^-?\d+$/.test(id) || typeof image?.file_name !== "string" || typeof category !== "string") {
      throw new Error(`Annotation ${id} has no image or category: export the decisions once more.`);
    }
    const { file_name, width, height } = image;
    if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite) || !isVisible(bbox, image)) {
      throw new Error(`The box of annotation ${id} has no area in its image: correct it.`);
    }
    const object = objects.get(id);
    if (!object && file.whole) throw new Error(`Annotation ${id} is not on this page: export the decisions once more.`);
    if (object?.fixed) throw new Error(`Annotation ${id} cannot be trusted (${object.fixed}): remove its box.`);
    if (object && shown[object.image].name !== file_name) {
      throw new Error(`Annotation ${id} is of ${shown[object.image].name} here, and of ${file_name} in the file: correct its id.`);
    }
    return [id, { bbox, image: { file_name, width, height }, category }];
  });
}
