"""The folder of a run that is finished, as its stages leave it."""

import json


def measured(ap):
    sizes = {"ap_small": ap, "ap_medium": ap, "ap_large": None, "voc_ap_50": 2 * ap}
    counts = {"images": 4, "objects": 9, "detections": 20}
    return {"ap": ap, "ap_50": 2 * ap, "ap_75": None, **sizes, **counts, "precision_at_50": [2 * ap] * 101}


def forget_stage(run, stage):
    """Make a run one whose last call had no such stage."""
    record = json.loads((run / "run.json").read_text())
    record["current"].remove(stage)
    (run / "run.json").write_text(json.dumps(record))
