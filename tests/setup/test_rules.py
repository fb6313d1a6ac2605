"""The rules alone: facts in, settings out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.setup.bases import LARGE, SMALL_CPU
from ssd_det.setup.facts import DataFacts, Gpu, Machine
from ssd_det.setup.rules import choose

BCCD = DataFacts(
    images=292,
    images_with_objects=292,
    objects=3941,
    left_out=0,
    categories=3,
    longest_side=640,
    shortest_side=480,
    largest_image=(640, 480),
    objects_per_image=(13, 24, 30),
    object_sides=(40.0, 100.0, 140.0),
    relative_sides=(0.0625, 0.156, 0.22),
)
COCO = replace(BCCD, images=118_000, images_with_objects=117_000, objects=860_000, objects_per_image=(4, 22, 93))
LAPTOP = Machine(cores=2, memory=16.0)
H100 = Gpu("H100", 78.0, bf16=True)
OLD = Gpu("V100", 15.0, bf16=False)


def values(settings, section):
    choices = settings.refine if section == "refine" else settings.detect
    return {name: choice.value for name, choice in {**settings.common, **choices}.items()}


def test_on_a_laptop_the_settings_are_those_that_were_measured_there():
    settings = choose(BCCD, LAPTOP)
    assert settings.base == SMALL_CPU
    refine, detect = values(settings, "refine"), values(settings, "detect")
    assert (refine["longest_side"], refine["shortest_side"]) == (320, 240)
    assert (refine["batch_size"], refine["learning_rate"]) == (2, 7e-4)
    assert (detect["batch_size"], detect["learning_rate"]) == (4, 1e-3)
    assert refine["max_objects"] == 16
    assert detect["anchor_sizes"] == [16, 32, 64, 128, 256]
    assert (refine["max_epochs"], refine["milestones"]) == (12, [])
    assert (detect["max_epochs"], detect["milestones"]) == (14, [11, 13])
    assert settings.steps == (12 * 146, 14 * 73)
    assert {refine[name] for name in ("accelerator", "devices", "precision", "num_workers")} == {"cpu", 1, "32-true"}


@pytest.mark.parametrize(("images", "epochs"), [(60, 50), (700, 12), (1400, 6), (4000, 2), (9000, 1)])
def test_small_machines_show_each_image_as_often_as_their_time_allows(images, epochs):
    data = replace(BCCD, images=images, images_with_objects=images, objects=5 * images)
    assert values(choose(data, LAPTOP), "refine")["max_epochs"] == epochs


def test_large_data_on_gpus_gets_the_published_settings():
    settings = choose(COCO, Machine(32, 200.0, (H100, H100)))
    assert settings.base == LARGE
    refine = values(settings, "refine")
    assert (refine["precision"], refine["accelerator"], refine["devices"]) == ("bf16-mixed", "gpu", 2)
    assert (refine["max_epochs"], refine["milestones"]) == (12, [8, 11])
    assert refine["learning_rate"] == pytest.approx(0.02 * refine["batch_size"] * 2 / 16)
    assert refine["backbone"] == "resnet50"
    assert refine["num_workers"] == 8
    assert settings.steps[0] == 12 * -(-117_000 // (2 * refine["batch_size"]))


def test_small_data_or_a_small_gpu_gets_the_small_network():
    for data, gpu in ((BCCD, H100), (COCO, OLD)):
        settings = choose(data, Machine(8, 30.0, (gpu,)))
        assert settings.base.refine == "refine_robust.yaml"
        assert "no GPU" not in settings.base.why
    assert values(settings, "refine")["precision"] == "32-true"
    assert settings.common["precision"].why == "single precision: the GPU has no bfloat16"
    small = values(choose(BCCD, Machine(8, 30.0, (H100,))), "refine")
    assert small["learning_rate"] == pytest.approx(7e-4 * (small["batch_size"] / 2) ** 0.5, rel=0.05)


def test_small_objects_raise_the_resolution_as_far_as_machine_and_images_go():
    tiny = replace(BCCD, longest_side=4000, shortest_side=3000, relative_sides=(0.04, 0.08, 0.1))
    assert values(choose(tiny, LAPTOP), "refine")["longest_side"] == 416
    specks = replace(tiny, relative_sides=(0.001, 0.002, 0.003))
    chosen = values(choose(specks, LAPTOP), "detect")
    assert (chosen["longest_side"], chosen["shortest_side"]) == (640, 480)
    assert chosen["anchor_sizes"] == [8, 16, 32, 64, 128]
    assert values(choose(specks, Machine(8, 64.0, (H100,))), "detect")["longest_side"] == 1024
    refiner = values(choose(specks, LAPTOP), "refine")
    assert (refiner["longest_side"], refiner["shortest_side"]) == (512, 384)
    assert values(choose(specks, Machine(8, 64.0, (H100,))), "refine")["longest_side"] == 1024


def test_images_of_small_objects_are_enlarged_for_the_refiner_alone():
    icons = replace(BCCD, longest_side=100, shortest_side=80)
    for median, longest, shortest in ((0.9, 100, 80), (0.28, 100, 80), (0.2, 128, 102), (0.01, 200, 160)):
        settings = choose(replace(icons, relative_sides=(median, median, median)), LAPTOP)
        refiner, detector = (values(settings, section) for section in ("refine", "detect"))
        assert (refiner["longest_side"], refiner["shortest_side"]) == (longest, shortest)
        assert (detector["longest_side"], detector["shortest_side"]) == (100, 80)
    assert settings.refine["longest_side"].why.startswith("the images' own size enlarged; the median object is 2 px")


def test_crowds_get_more_detections():
    assert (
        values(choose(replace(BCCD, objects_per_image=(50, 150, 300)), LAPTOP), "detect")["detections_per_image"] == 450
    )


def test_little_memory_makes_smaller_steps_and_halving_ends():
    settings = choose(COCO, Machine(8, 30.0, (replace(H100, memory=20.0),)))
    assert (
        1
        <= values(settings, "refine")["batch_size"]
        < values(choose(COCO, Machine(8, 30.0, (H100,))), "refine")["batch_size"]
    )
    seen = []
    for halvings in range(20):
        settings = choose(COCO, LAPTOP, halvings)
        refine, detect = values(settings, "refine"), values(settings, "detect")
        seen.append((refine["batch_size"], detect["batch_size"], refine["max_objects"]))
        if not settings.can_shrink:
            break
    assert seen == [(2, 4, 16), (1, 2, 16), (1, 1, 16), (1, 1, 8), (1, 1, 4), (1, 1, 2)]


sizes = st.integers(1, 20000)
shares = st.floats(1e-6, 1.5)


@given(sizes, sizes, sizes, st.tuples(sizes, sizes, sizes), st.tuples(shares, shares, shares), st.data())
def test_settings_are_plausible_for_any_facts(images, longest, shortest, objects, relative, draw):
    data = replace(
        BCCD,
        images=images,
        images_with_objects=max(images // 2, 1),
        longest_side=max(longest, shortest),
        shortest_side=min(longest, shortest),
        objects_per_image=tuple(sorted(objects)),
        relative_sides=tuple(sorted(relative)),
    )
    machine = draw.draw(
        st.builds(
            Machine,
            st.integers(1, 256),
            st.floats(0.1, 500),
            st.lists(st.sampled_from([H100, OLD]), max_size=8).map(tuple),
        )
    )
    settings = choose(data, machine, draw.draw(st.integers(0, 3)))
    for section, enlarged, steps in zip(("refine", "detect"), (2, 1), settings.steps, strict=True):
        chosen = values(settings, section)
        assert 1 <= chosen["shortest_side"] <= chosen["longest_side"] <= enlarged * data.longest_side
        assert chosen["batch_size"] >= 1
        assert chosen["max_epochs"] >= 1
        assert all(0 < milestone < chosen["max_epochs"] for milestone in chosen["milestones"])
        assert steps >= chosen["max_epochs"]
        assert 0 <= chosen["num_workers"] <= max(machine.cores, 1)
        assert chosen["learning_rate"] > 0


def test_refiners_that_have_learnt_at_random_scales_look_at_several():
    assert choose(BCCD, LAPTOP).refining["average_over_scales"].value == [0.8, 1.25]
    published = choose(COCO, Machine(cores=16, memory=128.0, gpus=(H100,)))
    assert published.base == LARGE
    assert "average_over_scales" not in published.refining


@pytest.mark.parametrize(("objects", "images", "folds"), [(217, 200, 2), (217, 15, 1), (1999, 700, 2), (2000, 700, 1)])
def test_few_boxes_are_shared_by_two_refiners(objects, images, folds):
    facts = replace(BCCD, objects=objects, images=images, images_with_objects=images)
    assert choose(facts, LAPTOP).refining["folds"].value == folds
