import pytest
import torch

from ssd_det.checkpoint_io import WholeCheckpointIO
from ssd_det.errors import InputError
from tests.tasks.checkpoints import checkpoint_of


def test_a_checkpoint_takes_the_place_of_the_last(tmp_path):
    path = tmp_path / "new" / "last.ckpt"
    for number in range(2):
        WholeCheckpointIO().save_checkpoint({"number": number}, path)
    assert torch.load(path) == {"number": 1}
    assert [file.name for file in path.parent.iterdir()] == ["last.ckpt"]


def test_what_cannot_be_written_leaves_the_last_one_whole(tmp_path):
    path = tmp_path / "last.ckpt"
    WholeCheckpointIO().save_checkpoint({"number": 0}, path)
    with pytest.raises(Exception, match="pickle"):
        WholeCheckpointIO().save_checkpoint({"number": lambda: 1}, path)
    assert torch.load(path) == {"number": 0}


def test_lightning_loads_what_it_wrote_itself(tmp_path):
    content = checkpoint_of()
    WholeCheckpointIO().save_checkpoint(content, tmp_path / "last.ckpt")
    assert WholeCheckpointIO().load_checkpoint(tmp_path / "last.ckpt").keys() == content.keys()
    del content["pytorch-lightning_version"]
    WholeCheckpointIO().save_checkpoint(content, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match="does not say which Lightning wrote it"):
        WholeCheckpointIO().load_checkpoint(tmp_path / "last.ckpt")
