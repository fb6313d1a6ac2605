"""``validate``: how well a refiner finds the boxes of images that were kept aside from its training."""

import pytest

from ssd_det.main import main
from tests.command import fails
from tests.words import DATA, TINY, checkpoint_in, logging_to


def test_the_loss_on_images_kept_aside_is_printed(inside, capsys):
    words = ["validate", *TINY, *DATA, "--data.validation_share=0.34", *logging_to("validated")]
    assert main([*words, f"--ckpt_path={checkpoint_in(inside)}"]) == 0
    assert "validation_spsd" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "validate has no checkpoint: give --ckpt_path"),
        (["--ckpt_path=none.ckpt"], "none.ckpt: there is no such file"),
        (["--ckpt_path={checkpoint}"], "data.validation_share is 0: give the share that the training kept aside"),
        (
            ["--ckpt_path={checkpoint}", "--data.validation_share=0.99"],
            "data.validation_share is 0.99, which keeps 6 of 6 images aside",
        ),
    ],
)
def test_bad_input_ends_in_one_sentence(inside, capsys, words, message):
    words = [word.format(checkpoint=checkpoint_in(inside)) for word in words]
    fails(capsys, main(["validate", *TINY, *DATA, *words]), message)
