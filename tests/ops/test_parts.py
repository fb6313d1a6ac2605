import torch

from ssd_det.ops import parts
from ssd_det.ops.parts import in_parts


def test_parts_give_what_whole_tables_do(monkeypatch):
    monkeypatch.setattr(parts, "MOST_ROWS", 3)
    first, second = torch.rand(8, 4), torch.rand(8, 1)
    seen = []

    def function(one, other):
        seen.append(len(one))
        return one * other

    assert torch.equal(in_parts(function, first, second), first * second)
    assert seen == [3, 3, 2]


def test_a_table_without_rows_gives_one():
    assert in_parts(lambda table: table[:, :2], torch.zeros(0, 4)).shape == (0, 2)
