"""The page of ``ssd-det report`` on many annotations: time to write it, its size, how it opens, filters and scrolls.

    python -m benchmarks.review_page

Beside it, in the same run, a plain page with the same pictures and boxes, all of its tiles in the document at once, as
one would write it in an hour. Needs playwright and an installed Chromium.
"""

import argparse
import html
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.timing import ratio_line
from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.output import write_json
from ssd_det.report.measured_boxes import measure_file
from ssd_det.report.references import true_boxes
from ssd_det.report.review.page import write_page
from ssd_det.report.review.summary import summarise

WIDTH, HEIGHT = 640, 480
CATEGORIES = 20
FRAMES = 60
SCROLL = f"""async () => {{
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let step = 0; step < {FRAMES}; step += 1) {{
    const start = await frame();
    scrollBy(0, 700);
    times.push(await frame() - start);
  }}
  return times;
}}"""
FILTER = """async (category) => {
  const frame = () => new Promise(requestAnimationFrame);
  scrollTo(0, 0);
  await frame();
  const start = performance.now();
  const field = document.querySelector("[name=category]");
  field.value = category;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await frame();
  await frame();
  return performance.now() - start;
}"""
PLAIN_STYLE = """li { display: inline-block; position: relative; width: 200px; }
img, svg { width: 200px; height: 200px; object-fit: contain; } svg { position: absolute; left: 0; }
rect { fill: none; stroke: red; }"""
PLAIN_SCRIPT = """document.querySelector("select").addEventListener("input", (event) => {
  document.querySelectorAll("li").forEach((tile) => { tile.hidden = tile.dataset.category !== event.target.value; });
});"""


def make_data(folder: Path, images: int, each: int) -> Path:
    """Photograph-like images and refined annotations in them."""
    generator = np.random.default_rng(0)
    (folder / "images").mkdir()
    entries: list[dict[str, Any]] = []
    for image in range(images):
        noise = Image.fromarray(generator.integers(0, 255, (12, 16, 3), dtype=np.uint8))
        grain = generator.integers(0, 24, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        pixels = np.asarray(noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) // 2 + grain
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{image}.jpg", quality=90)
        for _ in range(each):
            x, y, width, height = (generator.random(4) * (440, 280, 160, 160) + (0, 0, 20, 20)).tolist()
            moved = [x + generator.normal() * 8, y + generator.normal() * 8, width * 1.1, height * 0.9]
            entries.append(
                {
                    "id": len(entries) + 1,
                    "image_id": image,
                    "category_id": len(entries) % CATEGORIES,
                    "bbox": moved,
                    "original_bbox": [x, y, width, height],
                    "refine_score": round(float(generator.random()), 4),
                }
            )
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": WIDTH, "height": HEIGHT} for i in range(images)],
        "annotations": entries,
        "categories": [{"id": i, "name": f"category {i}"} for i in range(CATEGORIES)],
    }
    write_json(folder / "refined.json", content)
    return folder / "refined.json"


def write_plain_page(page: Path) -> Path:
    """All tiles of a page in one document."""
    text = (page / "review_files" / "content.js").read_text(encoding="utf-8")
    content = json.loads(text.removeprefix("window.content = ").removesuffix(";\n"))
    tiles = []
    for number, entry in enumerate(content["objects"]):
        x, y, width, height = entry["crop"]
        boxes = "".join(
            f'<rect x="{box[0]}" y="{box[1]}" width="{box[2]}" height="{box[3]}"/>'
            for box in (entry["original"], entry["box"])
        )
        name = html.escape(content["categories"][entry["category"]])
        tiles.append(
            f'<li data-category="{entry["category"]}"><svg viewBox="{x} {y} {width} {height}">{boxes}</svg>'
            f'<img loading="lazy" src="review_files/crops/{number}.jpg"><b>{name}</b>'
            f"<button>Accept</button><button>Reject</button></li>"
        )
    options = "".join(f'<option value="{index}">{index}</option>' for index in range(CATEGORIES))
    path = page / "plain.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><style>{PLAIN_STYLE}</style><select name="category">{options}</select>'
        f"<ul>{''.join(tiles)}</ul><script>{PLAIN_SCRIPT}</script>",
        encoding="utf-8",
    )
    return path


def measure(browser: Browser, path: Path) -> dict[str, float]:
    """Seconds until a page is open, has filtered, and has drawn a frame while it scrolls."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    start = time.perf_counter()
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = {"open": time.perf_counter() - start}
    frames = page.evaluate(SCROLL)
    seconds["frame"] = statistics.median(frames) / 1000
    seconds["worst frame"] = max(frames) / 1000
    seconds["filter"] = page.evaluate(FILTER, "3") / 1000
    page.context.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--each", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    settings = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        folder = Path(temporary)
        coco = read_coco(make_data(folder, settings.images, settings.each))
        page = folder / "page"
        start = time.perf_counter()
        boxes = measure_file(coco, true_boxes(None))
        written = write_page(page, coco, folder / "images", boxes, summarise(coco, boxes))
        seconds = time.perf_counter() - start
        files = [path for path in page.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 2**20
        print(f"{written.annotations} annotations in {written.images} images of {WIDTH}x{HEIGHT}:")
        print(f"written in {seconds:.1f} s, {size:.0f} MiB in {len(files)} files", flush=True)
        plain = write_plain_page(page)
        browser = driver.chromium.launch(executable_path=chromium, args=[] if os.geteuid() else ["--no-sandbox"])
        pairs = [(measure(browser, plain), measure(browser, page / "index.html")) for _ in range(settings.runs)]
        print(f"plain page against ours, medians of {settings.runs}, Chromium {browser.version} without a GPU:")
        for name in pairs[0][0]:
            print(ratio_line(name, [first[name] for first, _ in pairs], [second[name] for _, second in pairs]))
        browser.close()


if __name__ == "__main__":
    main()
