"""Which boxes are chosen for a person to check."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.choice import LEAST_MOVED, Candidate, choose

candidate = st.builds(
    Candidate,
    image=st.integers(0, 6),
    category=st.integers(0, 3),
    size=st.sampled_from(["small", "medium", "large"]),
    moved=st.just(0.0) | st.floats(0, 1),
)
candidates = st.lists(candidate, max_size=60)


def of(chosen, reason):
    return [index for index, why in chosen.items() if why == reason]


@given(candidates, st.integers(1, 40), st.integers(0, 9))
def test_as_many_as_asked_for_each_once_and_the_same_again(boxes, count, seed):
    chosen = choose(boxes, count, seed)
    assert len(chosen) == min(count, len(boxes))
    assert set(chosen) <= set(range(len(boxes)))
    assert choose(boxes, count, seed) == chosen


@given(candidates, st.integers(1, 40), st.integers(0, 9))
def test_those_at_random_do_not_depend_on_what_the_boxes_are(boxes, count, seed):
    same = [Candidate(0, 0, "small", 0.0)] * len(boxes)
    assert of(choose(boxes, count, seed), "random") == of(choose(same, count, seed), "random")
    assert len(of(choose(boxes, count, seed), "random")) == round(min(count, len(boxes)) / 2)


def test_every_box_is_drawn_as_often():
    drawn = Counter()
    for seed in range(2000):
        drawn.update(of(choose([Candidate(0, 0, "small", index / 10) for index in range(10)], 4, seed), "random"))
    assert all(abs(drawn[index] - 400) < 90 for index in range(10))


@given(candidates, st.integers(1, 40), st.integers(0, 9))
def test_those_that_moved_most_are_among_the_chosen(boxes, count, seed):
    chosen = choose(boxes, count, seed)
    moved = of(chosen, "moved")
    assert all(boxes[index].moved >= LEAST_MOVED for index in moved)
    others = [box.moved for index, box in enumerate(boxes) if index not in of(chosen, "random") and index not in moved]
    if moved and others:
        assert min(boxes[index].moved for index in moved) >= max(others)


@given(candidates, st.integers(4, 40), st.integers(0, 9))
def test_no_category_is_left_out_while_another_is_spread_over(boxes, count, seed):
    chosen = choose(boxes, count, seed)
    numbers = Counter(boxes[index].category for index in chosen)
    left_out = {box.category for box in boxes} - set(numbers)
    assert not left_out or all(numbers[boxes[index].category] == 1 for index in of(chosen, "spread"))


def test_sizes_and_images_are_spread_over():
    rare = Candidate(7, 0, "large", 0.0)
    boxes = [Candidate(index % 5, 0, "small", 0.0) for index in range(95)] + [rare]
    for seed in range(5):
        chosen = choose(boxes, 6, seed)
        assert 95 in chosen
        images = Counter(boxes[index].image for index in chosen)
        for index in of(chosen, "spread"):
            assert images[boxes[index].image] == 1 or len(images) >= 5
