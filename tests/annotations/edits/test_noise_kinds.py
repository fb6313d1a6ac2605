import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.edits.noise_kinds import DRAWN, MIXED, NORMAL, moves

BOXES = np.array([[10, 20, 50, 40], [100, 100, 130, 180], [5, 5, 90, 95]], dtype=float)


def moved(kind, level, seed=0, boxes=BOXES):
    """The boxes after a move, not clipped."""
    change = moves(kind, boxes, seed, np.arange(len(boxes)), level)
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + change[:, :2] * size
    half = size * (1 + change[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


@given(st.floats(0.01, 0.99), st.integers(0, 1000))
def test_loose_boxes_hold_the_object_and_tight_ones_lie_inside(level, seed):
    loose, tight = moved("loose", level, seed), moved("tight", level, seed)
    tolerance = 1e-9 * BOXES.max()
    assert (loose[:, :2] <= BOXES[:, :2] + tolerance).all()
    assert (loose[:, 2:] >= BOXES[:, 2:] - tolerance).all()
    assert (tight[:, :2] >= BOXES[:, :2] - tolerance).all()
    assert (tight[:, 2:] <= BOXES[:, 2:] + tolerance).all()
    assert (tight[:, 2:] > tight[:, :2]).all()


@given(st.floats(0.01, 0.99), st.integers(0, 1000))
def test_shifted_boxes_keep_their_size_and_go_one_way(level, seed):
    shift = moved("shifted", level, seed) - BOXES
    np.testing.assert_allclose(shift[:, :2], shift[:, 2:], rtol=0, atol=1e-9)
    assert (shift >= 0).all()
    assert (shift[:, :2] <= level * (BOXES[:, 2:] - BOXES[:, :2]) + 1e-9).all()


@given(st.floats(0.01, 0.99))
def test_gridded_corners_lie_on_a_grid_and_no_box_vanishes(level):
    boxes = moved("grid", level)
    cell = 1.5 * level * np.median(np.sqrt((BOXES[:, 2:] - BOXES[:, :2]).prod(axis=1)))
    np.testing.assert_allclose(boxes / cell, np.round(boxes / cell), rtol=0, atol=1e-6)
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.mark.parametrize("kind", ["uniform", "gaussian"])
def test_both_have_the_same_spread(kind):
    change = moves(kind, np.repeat(BOXES, 700, axis=0), 0, np.arange(2100), 0.3)
    np.testing.assert_allclose(change[:, :2].std(axis=0), 0.3 / np.sqrt(3), rtol=0.05)
    assert (change[:, 2:] > -1).all()


def test_a_mix_has_boxes_of_every_kind():
    boxes = np.repeat(BOXES, 100, axis=0)
    shift = moved("mix", 0.3, boxes=boxes) - boxes
    shifted = np.isclose(shift[:, :2], shift[:, 2:], rtol=0, atol=1e-9).all(axis=1)
    loose = (shift[:, :2] <= 0).all(axis=1) & (shift[:, 2:] >= 0).all(axis=1)
    tight = (shift[:, :2] >= 0).all(axis=1) & (shift[:, 2:] <= 0).all(axis=1)
    assert min(shifted.sum(), loose.sum(), tight.sum()) > 20
    assert (shifted | loose | tight).sum() < 250


@pytest.mark.parametrize("kind", [*DRAWN, "mix"])
def test_each_box_has_the_draws_of_its_own_generator(kind):
    boxes, ids = np.repeat(BOXES, 30, axis=0), np.arange(90) * 1_000
    gridded = moves("grid", boxes, 5, ids, 0.3)
    expected = []
    for row, number in enumerate(ids.tolist()):
        random = np.random.default_rng([5, number])
        name = MIXED[random.integers(len(MIXED))] if kind == "mix" else kind
        draws = random.standard_normal((1, 4)) if name in NORMAL else random.random((1, 4))
        expected.append(gridded[row] if name == "grid" else DRAWN[name](draws, 0.3)[0])
    np.testing.assert_array_equal(moves(kind, boxes, 5, ids, 0.3), expected)


def test_there_may_be_no_boxes():
    for kind in (*DRAWN, "grid", "mix"):
        assert moves(kind, BOXES[:0], 0, np.arange(0), 0.3).shape == (0, 4)
