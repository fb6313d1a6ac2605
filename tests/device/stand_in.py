"""Tensors that say that they are on a GPU and are computed on the CPU, to count what would make the CPU wait for it.

Values are right, so code whose sizes depend on them runs through, as it does not on PyTorch's fake tensors. Gradients
cannot be computed: autograd asks CUDA itself for a stream.
"""

import traceback
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

import ssd_det

CUDA = torch.device("cuda:0")
CPU = torch.device("cpu")
ATEN = torch.ops.aten
OURS = Path(ssd_det.__file__).parent
DATA_DEPENDENT = {torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output}
WITH_INDICES = {ATEN.index.Tensor, ATEN.index_put.default, ATEN.index_put_.default, ATEN._index_put_impl_.default}


class WrongDeviceError(AssertionError):
    """A computation got tensors of both devices, which CUDA refuses."""


class OnGpu(Tensor):
    """A tensor that says that it is on a GPU; its ``values`` are on the CPU."""

    @staticmethod
    def __new__(cls, values: Tensor) -> "OnGpu":
        return torch.Tensor._make_wrapper_subclass(
            cls, values.size(), values.stride(), values.storage_offset(), dtype=values.dtype, device=CUDA
        )

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def tolist(self) -> list:
        return self.cpu().tolist()  # PyTorch does this itself, but not for subclasses

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError("used outside of StandInGpu")


class StandInGpu(TorchDispatchMode):
    """Computes on the CPU what a GPU would, refuses tensors of both devices in one operation, and counts waits.

    A wait is what CUDA has to finish all its work for: an operation whose result has a size, or is a number, that the
    CPU needs, and a copy between the devices, but for those from pinned memory that need not block.

    Attributes:
        waits: how often, by operation and the innermost file of this package, or ``torchvision``, that it happened in.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[tuple[str, str]] = Counter()
        self.pinned: list[Tensor] = []

    def __enter__(self):
        self.settings = ExitStack()
        if not torch.cuda.is_available():
            torch._C._ensureCUDADeviceGuardSet()  # one that does nothing
            self.settings.enter_context(patch("torch.cuda._lazy_init"))
        self.settings.enter_context(torch.backends.cudnn.flags(enabled=False))
        # Else ``torch.tensor(values, device="cuda")`` copies where no mode sees it.
        self.settings.callback(torch._C._set_only_lift_cpu_tensors, torch._C._only_lift_cpu_tensors())
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()

    def __exit__(self, *error):
        self.settings.close()
        return super().__exit__(*error)

    def moved(self, module: nn.Module) -> nn.Module:
        """Put the parameters and buffers of a module onto the stand-in."""
        for part in module.modules():
            for name, value in part._parameters.items():
                if value is not None:
                    part._parameters[name] = nn.Parameter(OnGpu(value.detach()), value.requires_grad)
            for name, value in part._buffers.items():
                part._buffers[name] = None if value is None else OnGpu(value)
        return module

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is ATEN.is_pinned.default:
            return any(args[0] is pinned for pinned in self.pinned)
        if func is ATEN._pin_memory.default:
            self.pinned.append(args[0].clone())
            return self.pinned[-1]
        values, structure = tree_flatten((args, kwargs))
        on_gpu = [value for value in values if isinstance(value, OnGpu)]
        on_cpu = [value for value in values if isinstance(value, Tensor) and not isinstance(value, OnGpu)]
        device = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
        self._check(func, args, kwargs, on_gpu, on_cpu, device)
        plain = [_plain(value) for value in values]
        owners = {id(inner): value for value, inner in zip(values, plain, strict=True) if isinstance(value, OnGpu)}
        plain_args, plain_kwargs = tree_unflatten(plain, structure)
        result = func(*plain_args, **plain_kwargs)
        stays = device.type == "cuda" if device is not None else bool(on_gpu)
        if func is ATEN.copy_.default:
            stays = isinstance(args[0], OnGpu)
        if not stays:
            return result
        return tree_map_only(Tensor, lambda value: owners[id(value)] if id(value) in owners else OnGpu(value), result)

    def _check(self, func, args, kwargs, on_gpu, on_cpu, device) -> None:
        if func in {ATEN._to_copy.default, ATEN.copy_.default}:
            source = args[1] if func is ATEN.copy_.default else args[0]
            target = args[0].device if func is ATEN.copy_.default else device
            if target is None or target.type == source.device.type:
                return
            is_free = kwargs.get("non_blocking") or (len(args) > 2 and args[2])
            if not (is_free and any(source is pinned for pinned in self.pinned)):
                self._count(f"copy to {target.type}")
            return
        if not on_gpu:
            return
        if any(value.dim() for value in on_cpu):
            shapes = [tuple(value.shape) for value in on_cpu]
            raise WrongDeviceError(f"{func} got tensors on the GPU, and some of shapes {shapes} on the CPU")
        if func in WITH_INDICES:
            if any(index is not None and index.dtype in {torch.bool, torch.uint8} for index in args[1]):
                self._count("boolean index")
        elif func is ATEN.repeat_interleave.Tensor and kwargs.get("output_size") is not None:
            return
        elif DATA_DEPENDENT & set(func.tags) or func is torch.ops.torchvision.nms.default:
            self._count(func.overloadpacket.__name__)

    def _count(self, kind: str) -> None:
        where = "a test"
        for frame, _ in traceback.walk_stack(None):  # from the innermost on
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(OURS) or "torchvision" in path.parts:
                where = path.name if path.is_relative_to(OURS) else "torchvision"
                break
        self.waits[kind, where] += 1


def _plain(value):
    if isinstance(value, OnGpu):
        return value.values
    is_device = isinstance(value, torch.device) and value.type == "cuda"
    return CPU if is_device or value == "cuda" else value
