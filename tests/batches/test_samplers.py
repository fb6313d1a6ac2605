"""The order of samples."""

import pytest

from ssd_det.batches.samplers import EpochSampler


@pytest.mark.parametrize("samples", [0, 4, 10])
def test_a_sampler_begins_behind_what_was_seen_in_one_epoch_only(samples):
    sampler = EpochSampler(range(10), num_replicas=1, rank=0, seed=3)
    orders = []
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    sampler.set_epoch(0)
    sampler.begin_behind(samples)
    assert list(sampler) == list(sampler) == orders[0][samples:]
    assert len(sampler) == 10
    sampler.set_epoch(1)
    assert list(sampler) == orders[1]
