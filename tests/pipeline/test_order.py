"""Which stages have the cores to themselves."""

import pytest

from ssd_det.pipeline.order import stands_alone
from ssd_det.pipeline.stage import Stage


@pytest.fixture
def alone(tmp_path):
    """The names of the stages that stand alone, of stages that are given as those that they read, by name."""

    def names(light=(), **reads):
        stages = [
            Stage(
                name,
                tmp_path / name,
                [],
                [tmp_path / each / "product" for each in read],
                [],
                {} if name in light else {"seed": 0},
            )
            for name, read in reads.items()
        ]
        return {stage.title for stage in stages if stands_alone(stage, stages)}

    return names


def test_stages_of_one_chain_stand_alone(alone):
    assert alone(fit=[], refine=["fit"], detect=["refine"], test=["detect"]) == {"fit", "refine", "detect", "test"}


def test_stages_beside_which_others_may_run_do_not(alone):
    assert alone(fold_0=[], fold_1=[], refine=["fold_0", "fold_1"], detect=["refine"]) == {"refine", "detect"}
    assert alone(fit=[], refine=["fit"], detect=["refine"], noisy=[]) == set()
    assert alone(fit=[], refine=["fit"], detect=["refine"], noisy=["fit"]) == {"fit"}


def test_what_takes_a_moment_does_not_count(alone):
    assert alone(light=["true"], fit=[], true=[], refine=["fit", "true"]) == {"fit", "refine"}
