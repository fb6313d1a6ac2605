"""What the boxes of a file had in common that was wrong, as the file itself keeps it, and in words."""

from dataclasses import dataclass
from typing import Any

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import are_numbers, is_number

KEY = "shared_offsets"
TOO = {"width": ("too wide", "too narrow"), "height": ("too tall", "too short")}
SHIFTED = {"x": ("to the right", "to the left"), "y": ("down", "up")}
SHAPE = (*TOO, *SHIFTED)
OF = {"x": "width", "y": "height"}


@dataclass(frozen=True)
class Measured:
    """A mean and half its 95% interval."""

    mean: float
    margin: float

    @property
    def certain(self) -> bool:
        """Whether the interval does not hold 0."""
        return abs(self.mean) > self.margin


@dataclass(frozen=True)
class OffsetsRecord:
    """What boxes had in common before they were corrected.

    Attributes:
        trusted: how many trusted boxes say so.
        shape: by ``width``, ``height``, ``x`` and ``y``, how much too large boxes were and how far their centres were
            off, in units of the trusted box; only what could be measured.
        sides: by category and side, what corrected them, in units of the noisy box; only what could be measured.
    """

    trusted: int
    shape: dict[str, Measured]
    sides: dict[str, dict[str, Measured]]

    def to_json(self) -> JsonObject:
        """What the file holds under ``shared_offsets``."""
        return {
            "trusted": self.trusted,
            "shape": {name: [value.mean, value.margin] for name, value in self.shape.items()},
            "sides": {
                category: {side: [value.mean, value.margin] for side, value in sides.items()}
                for category, sides in self.sides.items()
            },
        }

    @property
    def sentence(self) -> str:
        """What boxes had in common, such as "Your boxes are 18% (± 3%) too wide; 52 trusted boxes."."""
        parts = [
            f"{abs(value.mean):.0%} (± {value.margin:.0%}) {words[value.mean < 0]}"
            for name, words in TOO.items()
            if (value := self.shape.get(name)) and value.certain
        ]
        parts += [
            f"shifted {words[value.mean < 0]} by {abs(value.mean):.0%} (± {value.margin:.0%}) of their {OF[name]}"
            for name, words in SHIFTED.items()
            if (value := self.shape.get(name)) and value.certain
        ]
        if not parts:
            return f"{self.trusted} trusted boxes show nothing that is wrong with all boxes."
        return f"Your boxes are {', '.join(parts)}; {self.trusted} trusted boxes."


def offsets_of(content: JsonObject) -> OffsetsRecord | None:
    """What the content of a file keeps of its boxes' offsets; ``None`` where there is nothing that can be read."""
    record: Any = content.get(KEY)
    try:
        if not is_number(record["trusted"]):
            return None
        return OffsetsRecord(
            int(record["trusted"]),
            {name: _measured(record["shape"][name]) for name in SHAPE if name in record["shape"]},
            {
                str(category): {side: _measured(value) for side, value in sides.items()}
                for category, sides in record["sides"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _measured(value: Any) -> Measured:
    """Read a mean and its margin.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(value, list) or len(value) != 2 or not are_numbers(value):
        raise ValueError
    return Measured(*map(float, value))
