"""The processes that a pipeline runs."""

import pytest

from ssd_det.errors import InputError
from ssd_det.pipeline.processes import Processes


def test_the_error_message_of_a_failing_question_is_passed_on():
    with pytest.raises(InputError, match=r"The configuration of refine cannot be used: .*none\.yaml"):
        Processes().ask({"refine": ["fit", "--config=none.yaml", "--print_config"]})


def test_codes_and_times_are_known():
    processes = Processes()
    assert processes.run(["check-annotations", "none.json", "--image_root=."]) == 2
    assert processes.seconds > 0
