"""The chain of rounds that a run goes on from."""

import json

from ssd_det.runs.earlier_rounds import rounds_before


def test_rounds_are_found_from_the_last_to_the_first(tmp_path):
    names = ["one", "two", "three"]
    for name, previous in zip(names, [None, *names], strict=False):
        (tmp_path / name).mkdir()
        inputs = {"previous_round": str(tmp_path / previous)} if previous else {}
        (tmp_path / name / "run.json").write_text(json.dumps({"inputs": inputs}))
    assert rounds_before(tmp_path / "three") == [tmp_path / "one", tmp_path / "two"]
    assert rounds_before(tmp_path / "one") == []
    (tmp_path / "one" / "run.json").unlink()
    assert rounds_before(tmp_path / "three") == [tmp_path / "one", tmp_path / "two"]
    (tmp_path / "one" / "run.json").write_text(json.dumps({"inputs": {"previous_round": str(tmp_path / "two")}}))
    assert set(rounds_before(tmp_path / "three")) == {tmp_path / "one", tmp_path / "two"}
