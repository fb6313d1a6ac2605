"""What tests with damaged files share.

300 cases, shared by the formats, the same each time; ``make fuzz`` sets ``SSD_DET_FUZZ`` to 10,000, others each time,
and says which case took longest and how much memory was in use at most.
"""

import gc
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from hypothesis import HealthCheck, settings

FUZZING = "SSD_DET_FUZZ" in os.environ
CASES = int(os.environ.get("SSD_DET_FUZZ", "300"))
DEEP = 3_000

TOKENS_OF_TEXTS = [b"nan", b"1e999", b"-1", b"0", b" ", b"\n", b"\0", b"\xff", b"<", b"</object>", b"..", b"[", b": "]
TOKENS_OF_TEXTS += [
    b"&a;",
    b"&#48;",
    b"<!ENTITY a 'b'>",
    b"9" * 400,
    b"1_0",
    b"\xef\xbc\x95",
    b"*a",
    b"&a ",
    b"kpt_shape: [17, 3]\n",
]
# What grows when it is read, of yaml and of xml: depth, aliases, names, texts in pieces.
NESTING = [
    (b"[" * DEEP, b"]" * DEEP),
    (b"<a>" * DEEP, b"</a>" * DEEP),
    tuple(b" " * level + b"a:\n" for level in range(200)),
    (
        b"\na: &a [x, x, x, x, x, x, x, x, x]\n",
        *(b"%c: &%c [%s]\n" % (n + 1, n + 1, b"*%c," % n * 9) for n in range(97, 105)),
    ),
    (b'<!DOCTYPE annotation [<!ATTLIST a b CDATA "', b"x" * 1000, b'">]>'),
    tuple(b"<a%d/>" % number for number in range(20_000)),
    (b"&#48;" * 100_000,),
    tuple(b'a%d="" ' % number for number in range(20_000)),
]

# For each of the formats.
FUZZED = settings(
    max_examples=max(1, CASES // 3),
    deadline=None,
    derandomize=not FUZZING,
    suppress_health_check=list(HealthCheck),
)


class Costs:
    """What the cases have cost: the processor time of the longest, the memory of the largest, and what these were."""

    def __init__(self):
        self.longest, self.of_longest, self.most, self.of_most = 0.0, None, 0, None

    @contextmanager
    def of(self, case):
        """Measure a case; what the tests themselves keep in memory is not searched for garbage meanwhile."""
        gc.freeze()
        before = reset_peak()
        start = time.process_time()
        yield
        seconds = time.process_time() - start
        more = memory("VmHWM") - before
        gc.unfreeze()
        if seconds > self.longest:
            self.longest, self.of_longest = seconds, case
        if more > self.most:
            self.most, self.of_most = more, case

    def __str__(self):
        most = f"most memory in use {self.most / 1024:.0f} MB ({self.of_most})"
        return f"{CASES} cases: the longest took {self.longest:.2f} s ({self.of_longest}); {most}."


def reset_peak():
    """Let the peak of the memory in use begin anew, under Linux; returns what is in use, in KiB."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(name):
    """A figure of this process's memory, in KiB; 0 where the system has no such file."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
