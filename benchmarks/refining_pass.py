"""What refining a batch costs, compared with a plain forward pass of the refiner, and with Faster R-CNN's inference.

    python -m benchmarks.refining_pass

The way boxes are refined (exclusive merging, signals, estimate of the noise), in one view of the images, averaged over
mirrored ones, and over another scale as well. Calibration is left out: it refines the same images once or twice more.
Seconds are those of processors. ``--stage2_proposals`` is a setting of the refiner that makes it cheaper.
"""

import argparse
import time
from collections.abc import Callable

import torch

from benchmarks.joint_step import make_backbone, make_detector
from benchmarks.refiner_step import CLASSES, HEIGHT, IMAGES, WIDTH, make_objects
from benchmarks.timing import paired, ratio_line
from ssd_det.annotations.coco import Category
from ssd_det.batches.batch import RefineBatch
from ssd_det.models.views import View, make_views
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import RefinePass, TrainedRefiner

SCALE = 0.8


def make_task(backbone: str, merging: str, stage2_proposals: int) -> RefineTask:
    task = RefineTask(
        backbone=backbone,  # type: ignore[arg-type]
        weights=None,
        frozen_stages=0,
        freeze_batch_norm=False,
        merging=merging,  # type: ignore[arg-type]
        stage2_proposals=stage2_proposals,
    )
    task.categories = [Category(number, str(number)) for number in range(CLASSES)]
    task.configure_model()
    return task.eval()


def make_batch(count: int) -> RefineBatch:
    objects = make_objects(count)
    return RefineBatch(
        images=torch.rand(IMAGES, 3, HEIGHT, WIDTH),
        objects=objects,
        true_boxes=objects.boxes,
        annotation_ids=torch.arange(IMAGES * count),
        image_ids=torch.arange(IMAGES),
        scales=torch.ones(IMAGES, 2),
        seeds=(0,) * IMAGES,
    )


def refining(task: RefineTask, batch: RefineBatch, views: list[View]) -> Callable[[], object]:
    assert task.refiner is not None
    refine = RefinePass([TrainedRefiner(task.refiner, torch.zeros(0, dtype=torch.long))], views)
    return lambda: refine.predict_step(batch, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--objects", type=int, nargs="+", default=[10])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stage2_proposals", type=int, default=0)
    parser.add_argument("--one_view", action="store_true", help="leave the averages out")
    settings = parser.parse_args()
    torch.manual_seed(0)
    published = make_task(settings.backbone, "ranking", 0)
    ours = make_task(settings.backbone, "exclusive", settings.stage2_proposals)
    detector = make_detector(make_backbone(settings.backbone)).eval()
    print(
        f"{IMAGES} images of {WIDTH}x{HEIGHT}, {settings.backbone}, bags of 125, {settings.stage2_proposals or 125} of "
        f"them in stage II, torch {torch.__version__}"
    )
    for count in settings.objects:
        batch = make_batch(count)
        ways = {
            "one view": make_views(),
            "with flip": make_views(flip=True),
            f"with flip and scale {SCALE}": make_views(flip=True, scales=(SCALE,)),
        }
        if settings.one_view:
            ways = {"one view": make_views()}
        with torch.inference_mode():
            found, plain, *times = paired(
                lambda batch=batch: detector(list(batch.images)),  # type: ignore[misc]
                lambda batch=batch: published(batch),  # type: ignore[misc]
                *(refining(ours, batch, views) for views in ways.values()),
                runs=settings.runs,
                clock=time.process_time,
            )
        print(ratio_line(f"{count} objects an image, refining one view and Faster R-CNN", times[0], found), flush=True)
        for way, seconds in zip(ways, times, strict=True):
            print(ratio_line(f"{count} objects an image, plain pass and refining {way}", plain, seconds), flush=True)


if __name__ == "__main__":
    main()
