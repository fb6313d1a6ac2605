"""How many epochs a checkpoint has, and how many its settings ask for."""

import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch

from ssd_det.pipeline.trained_epochs import epochs_asked, epochs_done

LAST = {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": {"filename": "last"}}


def loops(processed):
    return {"loops": {"fit_loop": {"epoch_progress": {"current": {"processed": processed}}}}}


@pytest.mark.parametrize(("content", "epochs"), [({"epoch": 1, **loops(1)}, 1), ({"epoch": 0}, 1), ({}, None)])
def test_epochs_are_read_without_the_tensors(tmp_path, content, epochs):
    weights = OrderedDict(weight=torch.ones(2, 2).t(), half=torch.ones(3, dtype=torch.bfloat16))
    torch.save({"state_dict": weights, "device": torch.device("cpu"), **content}, tmp_path / "last.ckpt")
    assert epochs_done(tmp_path / "last.ckpt") == epochs


class Marks:
    """What a pickle can ask for: a call when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_in_a_checkpoint_is_called(tmp_path):
    with zipfile.ZipFile(tmp_path / "last.ckpt", "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"state_dict": Marks(tmp_path / "marker"), **loops(3)}))
    assert epochs_done(tmp_path / "last.ckpt") == 3
    assert not (tmp_path / "marker").exists()


def test_what_is_no_checkpoint_tells_nothing(tmp_path):
    assert epochs_done(tmp_path / "none") is None
    (tmp_path / "text").write_text("text")
    assert epochs_done(tmp_path / "text") is None
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02nonsense")
    assert epochs_done(tmp_path / "zip") is None


def asked(*callbacks, **trainer):
    return epochs_asked({"trainer": {"max_epochs": 12, "max_steps": -1, "callbacks": list(callbacks), **trainer}})


def last(**arguments):
    return {**LAST, "init_args": {**LAST["init_args"], **arguments}}


def test_a_training_is_asked_for_its_epochs():
    known = {"class_path": "BoxQuality"}, {"class_path": "lightning.pytorch.callbacks.LearningRateMonitor"}
    assert asked(LAST, *known) == 12
    assert asked(last(every_n_epochs=5)) == 10


@pytest.mark.parametrize(
    ("callbacks", "trainer"),
    [
        ([last(monitor="loss")], {}),
        ([last(every_n_train_steps=5)], {}),
        ([LAST, {"class_path": "lightning.pytorch.callbacks.EarlyStopping"}], {}),
        ([LAST, {"class_path": "mine.Stops"}], {}),
        ([LAST], {"max_steps": 100}),
        ([LAST], {"max_time": "00:01:00:00"}),
        ([LAST], {"max_epochs": -1}),
        ([], {}),
    ],
)
def test_what_may_end_earlier_is_asked_for_nothing(callbacks, trainer):
    assert asked(*callbacks, **trainer) is None
