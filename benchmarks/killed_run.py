"""A pipeline that is killed at given moments and goes on by the same command."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PREPARATION, REPORT = "preparation", "report"
POLL_SECONDS = 0.02
ARRIVAL_SECONDS = 600.0  # for a pipeline to come to a section
END_SECONDS = 60.0  # for a pipeline whose process was killed to end by itself
AFTERWARDS_SECONDS = 2.0  # in which a kill comes after the end of its section
GONE_SECONDS = 10.0  # for its processes to follow it
MARK = "SSD_DET_FAULTS"


@dataclass(frozen=True)
class Outcome:
    """What a kill did.

    Attributes:
        section: in which it was.
        seconds: how long after the section began.
        victim: what was killed.
        end: how the pipeline ended.
        left: processes that went on without it.
    """

    section: str
    seconds: float
    victim: str
    end: str
    left: str

    def as_cells(self) -> str:
        """A row of a table in Markdown, but for its ends."""
        return f"{self.section} | {self.seconds:.1f} | {self.victim} | {self.end} | {self.left}"


class KilledRun:
    """A run of the pipeline, one call after the other.

    Args:
        words: of the command, but for the output.
        output: the folder of the run.
    """

    def __init__(self, words: list[str], output: Path) -> None:
        self.output = output
        self.temporary = output.with_name(f"{output.name}_tmp")
        self.temporary.mkdir()
        self.command = [sys.executable, "-P", "-m", "ssd_det", *words, f"--output={output}"]
        self.mark = f"{MARK}={uuid.uuid4()}"
        self._start()

    def _start(self) -> None:
        name, _, value = self.mark.partition("=")
        environment = {key: text for key, text in os.environ.items() if not key.startswith("WANDB_")}
        environment |= {name: value, "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            self.command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, args=(self.process, self.lines), daemon=True)
        self.reader.start()

    @staticmethod
    def _read(process: "subprocess.Popen[str]", lines: list[str]) -> None:
        assert process.stdout is not None
        lines.extend(process.stdout)

    @property
    def section(self) -> str:
        """What the pipeline does now."""
        stages = [line.rstrip() for line in [*self.lines] if line.startswith("[") and "/" in line.partition("]")[0]]
        if not stages:
            return PREPARATION
        label, _, title = stages[-1].removeprefix("[").partition("] ")
        number, _, count = label.partition("/")
        if number == count and len(self._finished()) == int(count):
            return REPORT
        return title.partition(":")[0]

    def _finished(self) -> list[str]:
        try:
            current: list[str] = json.loads((self.output / "run.json").read_text()).get("current", [])
        except (OSError, ValueError):
            return []
        return current

    def finish(self) -> dict[str, float]:
        """Let the run come to its end.

        Returns:
            The seconds of each section of this call.

        Raises:
            RuntimeError: if it fails.
        """
        if self.process.poll() is not None and self.process.returncode:
            self._start()
        seconds: dict[str, float] = {}
        while self.process.poll() is None:
            before = time.monotonic()
            time.sleep(POLL_SECONDS)
            section = self.section
            seconds[section] = seconds.get(section, 0.0) + time.monotonic() - before
        self.reader.join()
        if self.process.returncode:
            raise RuntimeError(f"{self.output}: exit code {self.process.returncode}:\n{''.join(self.lines)}")
        return seconds

    def kill_in(self, sections: Sequence[str], seconds: float, draws: random.Random) -> Outcome:
        """Kill one of the processes some seconds after a section began.

        Args:
            sections: the section, and those after it, of which the first that comes is taken.
            seconds: after which to kill, or shortly after the section has ended.
            draws: decides which process.
        """
        if self.process.poll() is not None:
            self._start()
        self._wait_until(lambda: self.section in sections, ARRIVAL_SECONDS)
        began, section = time.monotonic(), self.section
        self._wait_until(lambda: self.section != section, seconds)
        if time.monotonic() < began + seconds:
            self._wait_until(lambda: False, draws.uniform(0, AFTERWARDS_SECONDS))
        hit, into = self.section, time.monotonic() - began
        victim = self._kill(draws)
        self._wait_until(lambda: self.section != hit, END_SECONDS)
        end = "went on" if self.process.poll() is None else self._end()
        return Outcome(hit, into, victim, end, self._left() if end != "went on" else "")

    def _wait_until(self, condition: Callable[[], bool], most: float) -> None:
        """Wait until a condition holds, the pipeline ends, or time is up."""
        until = time.monotonic() + most
        while not condition() and self.process.poll() is None and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def _kill(self, draws: random.Random) -> str:
        """Kill the pipeline, or as often another of its processes.

        Returns:
            What was killed.
        """
        others = [pid for pid in self._processes() if pid != self.process.pid]
        pid = draws.choice(others) if others and draws.random() < 0.5 else self.process.pid
        name = "pipeline" if pid == self.process.pid else _name(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return f"{name} (ended before)"
        return name

    def _end(self) -> str:
        self.reader.join(GONE_SECONDS)
        if self.process.returncode == -signal.SIGKILL:
            return "killed"
        if any(line.startswith("Traceback") for line in self.lines):
            return f"exit code {self.process.returncode}, a traceback"
        return f"exit code {self.process.returncode}"

    def _processes(self) -> list[int]:
        """The processes of this run that are alive."""
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal() and self._is_ours(path)]

    def _is_ours(self, process: Path) -> bool:
        try:
            alive = process.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z"
            return alive and self.mark.encode() in process.joinpath("environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def _left(self) -> str:
        """The processes that do not follow the pipeline in some seconds."""
        until = time.monotonic() + GONE_SECONDS
        while (left := self._processes()) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        return ", ".join(map(_name, left)) or "none"


def _name(pid: int) -> str:
    """What a process is, in a few words."""
    folder = Path("/proc") / str(pid)
    try:
        words = [word.decode(errors="replace") for word in folder.joinpath("cmdline").read_bytes().split(b"\0")]
        environment = folder.joinpath("environ").read_bytes().split(b"\0")
    except OSError:
        return "a process"
    if "ssd_det" not in words:
        return Path(words[0]).name
    command = words[words.index("ssd_det") + 1]
    rank = next((word.partition(b"=")[2].decode() for word in environment if word.startswith(b"LOCAL_RANK=")), "")
    return f"{command}{f', rank {rank}' if rank else ''}"


def shared_memory() -> set[str]:
    """What is in the machine's shared memory."""
    folder = Path("/dev/shm")
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
