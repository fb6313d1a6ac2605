"use strict";

/* Tiles, tables and figures of the whole. */
function showSummary(content) {
  const { file } = content;
  const part = content.objects.length < file.annotations ? `, ${content.objects.length.toLocaleString("en")} of them here` : "";
  document.getElementById("file").textContent = `${file.name}: ${file.annotations.toLocaleString("en")} annotations${part}`;
  document.getElementById("tiles").append(
    ...content.tiles.map(({ label, value, note }) =>
      element("div", { class: "figure" }, element("dt", {}, label), element("dd", {}, value, element("small", {}, note))),
    ),
  );
  document.getElementById("figures").append(...content.figures.map(figureOf));
  document.getElementById("tables").append(...content.tables.map(tableOf));
}

function figureOf({ caption, light, dark }) {
  const drawn = element("picture");
  drawn.append(
    element("source", { media: "(prefers-color-scheme: dark)", srcset: `review_files/figures/${dark}` }),
    element("img", { src: `review_files/figures/${light}`, alt: caption, loading: "lazy" }),
  );
  return element("figure", {}, drawn, element("figcaption", {}, caption));
}

function tableOf({ title, columns, rows }) {
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map((cells) =>
    element(
      "tr",
      {},
      ...cells.map((text, index) => (index ? element("td", {}, text) : element("th", { scope: "row" }, text))),
    ),
  );
  const table = element("table", {}, element("caption", {}, title), element("thead", {}, head));
  table.append(element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table);
}
