"""What tests with damaged files share.

300 cases, shared by the formats, the same each time; ``make fuzz`` sets ``SSD_DET_FUZZ`` to 10,000, others each time,
and says which case took longest and how much memory was in use at most.
"""

import os
import resource
import time
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

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
    derandomize="SSD_DET_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


class Costs:
    """What the cases have cost: the processor time of the longest, and what it was."""

    def __init__(self):
        self.longest, self.case, self.before = 0.0, None, peak_memory()

    @contextmanager
    def of(self, case):
        start = time.process_time()
        yield
        seconds = time.process_time() - start
        if seconds > self.longest:
            self.longest, self.case = seconds, case

    def __str__(self):
        more = (peak_memory() - self.before) / 1024
        return f"{CASES} cases: the longest took {self.longest:.2f} s ({self.case}); {more:.0f} MB beyond the imports."


def peak_memory():
    """The most memory that this process has used, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
