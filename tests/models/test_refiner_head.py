import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.batch import Objects
from ssd_det.losses.mil import instance_scores, of_label
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.ops.boxes import mirror
from tests.models.heads import published_head

WIDTH, HEIGHT, CHANNELS = 160, 128, 6


def make_head(**settings):
    torch.manual_seed(0)
    head = published_head(3, CHANNELS, feature_width=16, roi_size=3, ratios=(1.0, 1.3, 0.7), **settings).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head


def make_features(images=2):
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(images, CHANNELS, HEIGHT // s, WIDTH // s, generator=generator, dtype=torch.float64)
        for s in (4, 8, 16, 32)
    ]


def make_objects(rows=((10, 20, 60, 80, 0, 0), (70, 5, 158, 100, 2, 0), (0, 0, 150, 120, 1, 1))):
    table = torch.tensor(rows, dtype=torch.float64).reshape(-1, 6)
    sizes = torch.tensor([[HEIGHT, WIDTH], [HEIGHT, WIDTH]])
    return Objects(table[:, :4], table[:, 4].long(), table[:, 5].long(), sizes)


def draws():
    return torch.rand(2, 4, 20, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_every_term_reaches_the_features_and_what_it_trains():
    reaches = {
        "spsd": {"shared_fcs", "spsd"},
        "stage1_mil": {"shared_fcs", "stage1_classes", "stage1_instances"},
        "stage1_regression": {"shared_fcs", "stage1_regressor"},
        "stage2_mil": {"shared_fcs", "stage2_classes", "stage2_instances"},
        "negatives": {"shared_fcs", "stage2_classes"},
        "sisd": {"sisd_fcs", "sisd_iou"},
    }
    head, objects = make_head(), make_objects()
    features = [feature.requires_grad_() for feature in make_features()]
    terms = head.losses(head(features, objects, draws()), objects)
    assert set(terms) == set(reaches)
    for name, term in terms.items():
        head.zero_grad()
        gradients = torch.autograd.grad(term, features, retain_graph=True, allow_unused=True)
        assert any(gradient is not None and gradient.any() for gradient in gradients), name
        term.backward(retain_graph=True)
        trained = {key.split(".")[0] for key, p in head.named_parameters() if p.grad is not None and p.grad.any()}
        assert trained == reaches[name]


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ({"spsd_modules": 0}, {"stage1_mil", "stage1_regression", "stage2_mil", "negatives", "sisd"}),
        ({"use_stage1_regressor": False}, {"spsd", "stage1_mil", "stage2_mil", "negatives", "sisd"}),
        ({"use_sisd": False}, {"spsd", "stage1_mil", "stage1_regression", "stage2_mil", "negatives"}),
        ({"use_stage2": False}, {"spsd", "stage1_mil", "stage1_regression"}),
    ],
)
def test_every_part_can_be_left_out(settings, terms):
    head, objects = make_head(**settings), make_objects()
    output = head(make_features(), objects, draws())
    losses = head.losses(output, objects)
    sum(losses.values()).backward()
    assert set(losses) == terms
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert output.refined.shape == (3, 4)
    assert ((output.score >= 0) & (output.score <= 1)).all()
    if "spsd_modules" in settings:
        assert output.bag_b is output.bag_a
    if "use_stage2" in settings:
        assert output.r2.equal(output.r1)
    if "use_stage1_regressor" in settings:
        assert_close(output.stage_two.proposals[:, 0], output.r1)


def test_refining_commutes_with_mirroring_for_mirrored_features():
    head, objects, width = make_head(), make_objects(), torch.tensor(float(WIDTH), dtype=torch.float64)
    for layer in (head.shared_fcs[0], head.sisd_fcs[0]):
        weight = layer.weight.data.reshape(16, 3, 3, CHANNELS)
        layer.weight.data = ((weight + weight.flip(2)) / 2).flatten(1)
    for layer in (*head.spsd, head.stage1_regressor):
        layer.weight.data[0], layer.bias.data[0] = 0, 0
    features = make_features()
    found = head(features, objects)
    flipped = objects._replace(boxes=mirror(objects.boxes, width))
    mirrored = head([feature.flip(3) for feature in features], flipped)
    assert_close(mirrored.refined, mirror(found.refined, width), rtol=0, atol=1e-4)
    assert_close(mirrored.score, found.score, rtol=0, atol=1e-6)


def test_a_batch_without_objects_costs_nothing_and_reaches_every_parameter():
    head, objects = make_head(), make_objects(())
    losses = head.losses(head(make_features(), objects, draws()), objects)
    total = sum(losses.values())
    total.backward()
    assert total == 0
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in head.parameters())


def test_objects_are_refined_the_same_alone_and_together():
    head, objects, features = make_head(), make_objects(), make_features()
    together = head(features, objects)
    for place in range(3):
        one = slice(place, place + 1)
        boxes, labels, image_index, image_sizes = objects[:4]
        alone = head(features, Objects(boxes[one], labels[one], image_index[one], image_sizes))
        assert_close(alone.refined[0], together.refined[place], rtol=0, atol=1e-6)
        assert_close(alone.score[0], together.score[place], rtol=0, atol=1e-9)


def test_refined_boxes_stay_inside_the_image_and_carry_no_gradient():
    output = make_head()(make_features(), make_objects())
    assert (output.refined >= 0).all()
    assert (output.refined[:, 2] <= WIDTH).all()
    assert not output.refined.requires_grad
    assert not output.score.requires_grad


def test_a_term_of_weight_zero_is_zero():
    head, objects = make_head(loss_weights=LossWeights(sisd=0.0)), make_objects()
    assert head.losses(head(make_features(), objects, draws()), objects)["sisd"] == 0


def test_class_biases_start_at_one_in_a_hundred():
    head = published_head(3, CHANNELS, feature_width=16, roi_size=3)
    assert_close(head.stage1_classes.bias.sigmoid(), torch.full((4,), 0.01))
    assert_close(head.stage2_classes.bias.sigmoid(), torch.full((3,), 0.01))
    assert not head.spsd[0].bias.any()
    assert 0.005 < head.shared_fcs[0].weight.std() < 0.02


def test_only_proposals_that_rank_highest_in_stage_one_go_on_to_stage_two():
    objects, features = make_objects(), make_features()
    every, some, all_of_them = (
        make_head(stage2_proposals=count)(features, objects, draws()) for count in (0, 9, 45 * 45)
    )
    assert torch.equal(every.r1, some.r1)
    assert torch.equal(every.r2, all_of_them.r2)
    assert some.stage_two.classes.shape[:2] == some.stage_two.valid.shape == (3, 9)
    ranking = of_label(every.classes.softmax(dim=2) * instance_scores(every.instances, every.valid), objects.labels)
    for bag, chosen, ranks in zip(every.stage_two.proposals, some.stage_two.proposals, ranking, strict=True):
        assert_close(chosen, bag[ranks.argsort(descending=True)[:9]])


def trusting(objects, weight, known=(True, False, False)):
    """Objects of which some have a trusted box, 5 pixels from the noisy one."""
    boxes = torch.where(torch.tensor(known)[:, None], objects.boxes + 5, torch.nan)
    return objects._replace(trusted=boxes, trusted_weight=weight)


def test_objects_without_a_trusted_box_are_learnt_from_as_ever():
    head, objects, features = make_head(), make_objects(), make_features()
    output = head(features, objects, draws())
    for weight in (1.0, 7.0):
        assert_close(head.losses(output, trusting(objects, weight, (False,) * 3)), head.losses(output, objects))


def test_trusted_boxes_lead_what_moves_and_ranks_boxes():
    head, objects, features = make_head(), make_objects(), make_features()
    output = head(features, objects, draws())
    plain = head.losses(output, objects)
    none, once, thrice = (head.losses(output, trusting(objects, weight)) for weight in (0.0, 1.0, 3.0))
    led = {"spsd", "stage1_regression", "sisd"}
    for name in plain:
        assert (plain[name] != once[name]) == (once[name] != thrice[name]) == (name in led), name
    for name in led:
        assert_close(thrice[name] - none[name], 3 * (once[name] - none[name]))


@pytest.mark.parametrize("settings", [{}, {"resample": True}])
def test_bags_may_have_some_of_their_proposals(settings):
    head, objects, features = make_head(**settings), make_objects(), make_features()
    every, some = head(features, objects), head(features, objects, proposals=torch.tensor([0, 7, 8, 30]))
    assert every.bag_a.shape[1] == head.bag_size == 45
    for whole, part in ((every.bag_a, some.bag_a), (every.bag_b, some.bag_b), (every.classes, some.classes)):
        assert_close(part, whole[:, [0, 7, 8, 30]])
    assert some.regression.proposals.shape == some.stage_two.proposals.shape == (3, 4, 4)


@pytest.mark.parametrize("settings", [{}, {"spsd_modules": 2}, {"sampling_ratio": 0}])
def test_a_step_sees_what_refining_sees(settings):
    """Bag A is pooled by columns where it is learnt from."""
    head, objects, features = make_head(**settings), make_objects(), make_features()
    learning = head(features, objects)
    with torch.no_grad():
        refining = head(features, objects)
    assert_close(learning.bag_b, refining.bag_b, rtol=1e-9, atol=1e-9)
    assert_close(learning.refined, refining.refined, rtol=1e-9, atol=1e-9)
