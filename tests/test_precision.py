import pytest
import torch
from lightning.pytorch.accelerators import CPUAccelerator

from ssd_det.precision import fast_precision, gpu_is_fast_in_bfloat16, processor_is_fast_in_bfloat16
from ssd_det.trainer import SSDDetTrainer


@pytest.fixture
def machine(monkeypatch):
    """Makes a machine of GPUs of some compute capabilities, and of a processor with or without AMX."""

    def make(*gpus, amx, threads=1):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(gpus))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: gpus[index])
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx, "avx512_bf16": True})
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)

    return make


@pytest.mark.parametrize("amx", [True, False])
def test_without_a_gpu_the_processor_decides(machine, amx):
    machine(amx=amx)
    assert processor_is_fast_in_bfloat16() == amx
    for accelerator in ("auto", "cpu"):
        assert fast_precision(accelerator) == ("bf16-mixed" if amx else "32-true")


def test_several_threads_of_a_processor_stay_in_single_precision(machine):
    machine(amx=True, threads=2)
    assert not processor_is_fast_in_bfloat16()
    assert fast_precision("auto") == "32-true"
    machine((8, 0), amx=True, threads=2)
    assert fast_precision("auto") == "bf16-mixed"


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [([(8, 0)], "bf16-mixed"), ([(9, 0), (8, 6)], "bf16-mixed"), ([(7, 5)], "32-true"), ([(9, 0), (7, 0)], "32-true")],
)
def test_gpus_decide_where_there_are_any(machine, gpus, expected):
    machine(*gpus, amx=expected == "32-true")
    assert gpu_is_fast_in_bfloat16(0) == (gpus[0] >= (8, 0))
    assert fast_precision("auto") == fast_precision("cuda") == expected
    assert fast_precision("cpu") != expected


def test_a_processor_that_tells_nothing_and_other_devices_keep_single_precision(machine, monkeypatch):
    machine(amx=True)
    assert fast_precision("mps") == fast_precision(CPUAccelerator()) == "32-true"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "arm64"})
    assert fast_precision("cpu") == "32-true"


def test_a_trainer_takes_the_fast_precision_if_it_may_choose(machine):
    quiet = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    machine(amx=True)
    assert SSDDetTrainer(**quiet, precision="auto").precision == "bf16-mixed"
    assert SSDDetTrainer(**quiet).precision == "32-true"
    machine(amx=False)
    assert SSDDetTrainer(**quiet, precision="auto").precision == "32-true"
