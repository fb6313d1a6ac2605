"""Too little shared memory, and workers that are killed, end in a sentence: no batch is waited for in vain."""

import multiprocessing
import os
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.image_loader import ImageLoader, collate_shared
from ssd_det.batches.worker_faults import why_worker_ended
from ssd_det.main import main
from tests.command import fails
from tests.limits import ssd_det_with_disk
from tests.words import DATA, TINY

forks = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="workers do not see what the test has changed"
)


@pytest.mark.parametrize("task", ["fit", "refine"])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("size=2m", "There is too little shared memory for batches, which need about"),
        ("size=4k,nr_inodes=1", "The processes that read images cannot be started (No space left on device"),
    ],
)
def test_too_little_shared_memory_ends_in_a_sentence(demo, task, options, sentence):
    done, _ = ssd_det_with_disk(Path("/dev/shm"), options, task, cwd=demo, package="tests.batches.read_all")
    assert sentence in done.output, done.errors
    assert "--shm-size=2g" in done.output
    assert "set data.num_workers to 0" in done.output
    assert "Traceback" not in done.errors


@forks
@pytest.mark.parametrize(
    "ending", [lambda *_: os.kill(os.getpid(), 9), lambda *_: os._exit(3)], ids=["killed", "ended"]
)
def test_a_worker_that_is_killed_ends_a_training_in_a_sentence(demo, tmp_path, monkeypatch, capsys, ending):
    monkeypatch.chdir(demo)
    monkeypatch.setattr(CocoDataset, "__getitem__", ending)  # by its class, of which no module keeps a part
    words = [*TINY, *DATA, "--data.num_workers=1", "--trainer.logger=false", f"--trainer.default_root_dir={tmp_path}"]
    fails(capsys, main(["fit", *words, "--trainer.max_epochs=1"]), "A process that reads images (pid ")


@forks
@pytest.mark.parametrize("allowed", [0, 1])
def test_where_too_few_processes_are_allowed_a_training_ends_in_a_sentence(
    demo, tmp_path, monkeypatch, capsys, allowed
):
    fork = os.fork
    forked = []

    def limited():
        if len(forked) == allowed:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        process = fork()
        forked.append(process)
        return process

    monkeypatch.chdir(demo)
    monkeypatch.setattr(os, "fork", limited)
    words = [*TINY, *DATA, "--data.num_workers=2", "--trainer.logger=false", f"--trainer.default_root_dir={tmp_path}"]
    words.append("--trainer.max_epochs=1")
    sentence = "The processes that read images cannot be started (Resource temporarily unavailable): raise the limit"
    fails(capsys, main(["fit", *words]), sentence)
    for process in forked:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, 0)


class Unsendable:
    """Fails where it is handed over, as all does where there is no room for temporary files."""

    def __reduce__(self):
        raise OSError(28, "No space left on device")


class Items(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return torch.zeros(2), Unsendable()


def test_what_cannot_be_handed_over_ends_the_worker_and_is_not_waited_for(capfd):
    loader = ImageLoader(Items(), collate_fn=partial(collate_shared, lambda samples: samples[0]), num_workers=1)
    with pytest.raises(RuntimeError) as error:
        list(loader)
    assert "A process that reads images" in why_worker_ended(error.value)
    assert "cannot hand them over: [Errno 28] No space left on device" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "DataLoader worker (pid 31) is killed by signal: Bus error. It is possible that",
            "(pid 31) was killed (Bus error)",
        ),
        ("DataLoader worker (pid(s) 31, 32) exited unexpectedly", "(pid 31, 32) ended"),
        ("DataLoader worker (pid 31) exited unexpectedly with exit code 1.", "(pid 31) ended"),
    ],
)
def test_all_that_torch_says_of_a_lost_worker_is_understood(text, says):
    assert says in why_worker_ended(RuntimeError(text))


def test_other_errors_are_not_taken_for_lost_workers():
    assert why_worker_ended(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert why_worker_ended(ValueError("DataLoader worker (pid 31) exited unexpectedly")) is None


def test_without_workers_batches_are_as_they_were():
    batch = collate_shared(lambda samples: samples, [torch.zeros(2)])
    assert not batch[0].is_shared()
