"use strict";

/* Puts the parts together, and listens. */
(() => {
  const { content } = window;
  const find = (id) => document.getElementById(id);
  content.objects.forEach((object, index) => {
    object.index = index;
  });
  const refined = content.objects.filter((object) => object.original);
  const decisions = new Decisions(content);
  const gallery = new Gallery(find("gallery"), content, decisions, act);
  const viewer = new Viewer(find("viewer"), content, decisions);
  const filters = find("filters");

  showSummary(content);
  find("more").open = matchMedia("(min-width: 800px)").matches;
  find("filter-details").open = matchMedia("(min-width: 800px)").matches;
  const name = /^[\w.-]+$/.test(content.file.name) ? content.file.name : `'${content.file.name.replaceAll("'", "'\\''")}'`;
  find("title").textContent = content.title;
  document.title = `${content.title} – ssd-det`;
  find("command").textContent =
    `ssd-det apply-review ${name} decisions.json --output final.json\n\n` +
    `ssd-det correct-annotations ${name} --trusted decisions.json --output all_corrected.json`;
  find("refined-key").hidden = find("decide").hidden = !refined.length;
  find("more").hidden = !content.figures.length && !content.tables.length;
  find("true-key").hidden = !content.objects.some((object) => object.true);
  filters.sort.append(...orders(content.objects).map(([value, text]) => element("option", { value }, text)));
  filters.size.append(...sizes(content).map(([value, text]) => element("option", { value }, text)));
  filters.category.append(...content.categories.map((name, value) => element("option", { value }, name)));
  filters.querySelectorAll(".score").forEach((label) => {
    label.hidden = !content.objects.some((object) => object.score !== null);
  });
  if (!refined.length || content.choosing) {
    filters.changed.querySelector('[value=""]').defaultSelected = true; // what a reset goes back to as well
    filters.changed.value = "";
  }
  if (content.choosing) {
    filters.sort.querySelector("[value=file]").defaultSelected = true;
    filters.sort.value = "file";
  }

  function refresh() {
    const whole = document.querySelector("[name=view]:checked").value === "images";
    const objects = selected(content, decisions, new FormData(filters));
    const groups = whole ? byImage(objects) : objects.map((object) => [object]);
    gallery.show(groups, whole);
    find("empty").hidden = groups.length > 0;
    tellProgress();
    if (find("gallery").getBoundingClientRect().top < 0) find("review-title").scrollIntoView();
  }

  function tellProgress() {
    const [accepted, rejected, trusted] = ["accept", "reject", "trust"].map((kind) => decisions.count(kind));
    const asked = content.choosing ? content.objects : refined;
    const left = asked.filter((object) => !object.trusted && decisions.of(object.id) === null).length;
    const parts = [`${gallery.groups.length.toLocaleString("en")} shown`];
    if (refined.length) parts.push(`${accepted} accepted`, `${rejected} rejected`);
    if (trusted || !refined.length) parts.push(`${trusted} trusted`);
    if (asked.length) parts.push(`${left} ${content.choosing ? "to check" : "undecided"}`);
    find("progress").textContent = parts.join(" · ");
    if (!decisions.kept) complain("This browser keeps no decisions over a reload: export them before you leave.");
  }

  function say(text) {
    const status = find("status");
    (viewer.open ? find("viewer") : document.body).append(status); // a dialog covers all that is not in it
    status.textContent = text;
    status.classList.toggle("shown", text !== "");
    clearTimeout(status.timer);
    status.timer = setTimeout(() => status.classList.remove("shown"), 2500);
  }

  function complain(text) {
    find("banner").textContent = text;
    find("banner").hidden = !text;
  }

  let enlarged = 0;

  /* Show the current tile large; zoomed as of the viewer. */
  function enlarge(zoomed) {
    enlarged = gallery.current;
    viewer.show(gallery.groups[enlarged], gallery.whole, zoomed);
  }

  /* Go to a tile, and show it large if one was. */
  function go(index) {
    gallery.go(index);
    if (viewer.open) enlarge();
  }

  function decide(decision, index) {
    const all = gallery.groups[index];
    const refined = all.filter((object) => object.original);
    if (!refined.length) {
      say("This box was not refined: there is nothing to accept or reject.");
      return;
    }
    // What was corrected by hand is not given up by the way: only a rejection of this very box does.
    const single = all.length === 1 && decision === "reject";
    const group = refined.filter((object) => single || decisions.of(object.id) !== "trust");
    if (!group.length) {
      say("Trusted already.");
      return;
    }
    decisions.decide(group.map((object) => object.id), decision);
    const what = group.length === 1 ? `annotation ${group[0].id}` : `${group.length} boxes`;
    say(`${decision === "accept" ? "Accepted" : "Rejected"} ${what}.`);
  }

  /* Trust the boxes of a tile as they are. */
  function trust(index) {
    const group = gallery.groups[index].filter((object) => !object.fixed);
    const boxes = group.map((object) => [object.id, decisions.box(object)]);
    const fit = boxes.filter(([, box], place) => isVisible(box, content.images[group[place].image]));
    if (!fit.length) {
      say("This cannot be trusted: it is no box of one object with an area in its image.");
      return;
    }
    decisions.trust(fit);
    say(fit.length === 1 ? `Trusted: annotation ${fit[0][0]}.` : `Trusted: ${fit.length} boxes.`);
  }

  function undo() {
    const ids = decisions.undo();
    if (!ids.length) {
      say("There is nothing to undo.");
      return;
    }
    say(ids.length === 1 ? `Undone: annotation ${ids[0]}.` : `Undone: ${ids.length} boxes.`);
    const index = gallery.groups.findIndex((group) => group.some((object) => object.id === ids[0]));
    if (index >= 0) go(index);
  }

  /* What buttons and keys do, to the tile with an index, the current one as a rule. */
  function act(action, index = gallery.current) {
    if (action === "help") return find("help").showModal();
    if (action === "undo") return undo();
    if (action === "close") return find("viewer").close();
    if (action === "boxes") return toggleBoxes();
    if (!gallery.groups[index]) return undefined;
    if (action === "open") {
      gallery.choose(index);
      return enlarge(!gallery.whole);
    }
    if (action === "zoom") return enlarge(viewer.open && !viewer.zoomed);
    if (action === "trust") return trust(index);
    if (action === "edit" || action in PARTS || action in MAGNIFY) return viewer.open && edit(action);
    if (action === "accept" || action === "reject") return decide(action, index);
    return go(gallery.current + { next: 1, previous: -1, down: gallery.columns, up: -gallery.columns }[action]);
  }

  /* What can be done in the large view only. */
  function edit(action) {
    const { editor } = viewer;
    if (action in MAGNIFY) viewer.magnify(MAGNIFY[action]);
    else if (!editor.object) say(viewer.whole ? "Open one object to correct its box." : "This box cannot be corrected.");
    else if (action === "edit") editor.choose(editor.part ? null : PARTS.box);
    else editor.choose(PARTS[action]);
  }

  /* Hide all boxes, or show all of them if they were hidden. */
  function toggleBoxes() {
    const shown = [...document.querySelectorAll(".legend input")];
    const any = shown.some((box) => box.checked);
    for (const box of shown) {
      box.checked = !any;
      box.dispatchEvent(new Event("change"));
    }
  }

  /* Whether what is acted on can be seen; if not, the first tile that can becomes the current one. */
  function seen() {
    if (viewer.open || !gallery.groups.length || gallery.inView(gallery.current)) return true;
    gallery.go(gallery.firstInView());
    say("This is the current box now: press again.");
    return false;
  }

  function actAndGoOn(action) {
    act(action);
    if (DECIDING.includes(action)) go(gallery.current + 1);
  }

  const DECIDING = ["accept", "reject", "trust"];
  const MAGNIFY = { closer: 1.5, farther: 1 / 1.5 };
  const LETTERS = {
    ...{ j: "next", k: "previous", a: "accept", r: "reject", u: "undo", z: "zoom", b: "boxes", "?": "help" },
    ...{ t: "trust", e: "edit", 0: "box", 1: "left", 2: "top", 3: "right", 4: "bottom" },
    ...{ "+": "closer", "=": "closer", "-": "farther" },
  };
  const ARROWS = { ArrowRight: "next", ArrowLeft: "previous", ArrowDown: "down", ArrowUp: "up" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
    if (event.target.matches("input[type=search], input[type=number], select")) return;
    const { editor } = viewer;
    if (viewer.open && editor.part && (event.key in ARROWS || event.key === "Escape")) {
      event.preventDefault(); // the dialog stays open
      if (event.key === "Escape") editor.choose(null);
      else editor.nudge(event.key, event.shiftKey, event.repeat);
      return;
    }
    const arrows = viewer.open || event.target.closest("#gallery");
    const action = (arrows && ARROWS[event.key]) || (find("shortcuts").checked && LETTERS[event.key.toLowerCase()]);
    if (!action) return;
    event.preventDefault();
    if ([...DECIDING, "undo"].includes(action) && event.repeat) return; // a key that is held down decides once
    if ([...DECIDING, "zoom"].includes(action) && !seen()) return;
    actAndGoOn(action);
  });

  find("viewer").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) actAndGoOn(button.dataset.action);
  });
  // The browser gives the focus back to the tile that was opened, not to the one that was reached since.
  find("viewer").addEventListener("close", () => gallery.go(enlarged));
  find("open-help").addEventListener("click", () => act("help"));
  filters.addEventListener("input", refresh);
  filters.addEventListener("reset", () => setTimeout(refresh)); // the fields are empty only after this
  filters.addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll("[name=view]").forEach((radio) => radio.addEventListener("change", refresh));
  for (const kind of ["original", "refined", "true", "trusted"]) {
    find(`show-${kind}`).addEventListener("change", (event) => {
      document.body.classList.toggle(`no-${kind}`, !event.target.checked);
    });
  }
  decisions.addEventListener("change", tellProgress);
  for (const dialog of [find("viewer"), find("help")]) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  find("shortcuts").checked = remembered("ssd-det shortcuts") !== "off";
  find("shortcuts").addEventListener("change", (event) => {
    remember("ssd-det shortcuts", event.target.checked ? "on" : "off");
  });

  find("export").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([exportedText(decisions)], { type: "application/json" }));
    element("a", { href: address, download: "decisions.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000); // long after a slow machine has written it
    say(`Exported ${decisions.made.size} decisions.`);
  });
  find("load").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      complain("");
      say(`Loaded ${decisions.load(await file.text())} decisions; others are kept.`);
      refresh();
    } catch (error) {
      say("");
      complain(error.message);
    }
    event.target.value = "";
  });

  refresh();
})();
