"""The process that all processes of the tests are forked from, as importing torch takes each of them seconds.

It imports what commands need and does nothing but wait, as :mod:`ssd_det.starting.fork_server` does, and it forks
servers of that kind, as many as are asked for, each in a session of its own. A command that starts others has a process
of this kind for itself, forked as it begins, which ends with it and leaves its servers in its session.
"""

import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from select import select

from ssd_det.starting import fork_server
from ssd_det.starting.modules import imported
from ssd_det.starting.parent import die_with
from ssd_det.starting.starter import Starter
from ssd_det.stopping import held_back

AS_USER = "tests.by_user"
GRACE_SECONDS = 60
STARTING_OTHERS = ("pipeline", "init")
CODE = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); from tests.warm import main; main()"


class Server:
    """A server of commands; stands in for the :class:`subprocess.Popen` of one that was started anew."""

    def __init__(self, number):
        self.number = number
        self._process = os.pidfd_open(number)

    def __del__(self):
        os.close(self._process)

    def wait(self, timeout=None):
        if not select([self._process], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"process {self.number}", timeout)

    def kill(self):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)


class WarmProcess:
    """The process that servers are forked from, seen from the one that asks for them.

    Args:
        connection: to it.
        process: itself, where it was not forked.
    """

    def __init__(self, connection, process=None):
        self._connection, self._process = connection, process
        self._lock = threading.Lock()

    def close(self):
        """End it, and wait for it."""
        self._connection.close()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:  # a process that was forked from this one holds the connection as well
            self._process.kill()
            self._process.wait()

    def server(self, environment: Mapping[str, str], package: str, prepare: Callable[[], None] | None):
        """Fork a server.

        Args:
            environment: of its commands.
            package: that is run as a command.
            prepare: what the server does first.

        Returns:
            The connection to it, and the server.
        """
        ours, theirs = Pipe()
        with theirs, self._lock, held_back():
            self._connection.send((dict(environment), package, prepare))
            send_handle(self._connection, theirs.fileno(), None)
            return ours, Server(self._connection.recv())


class WarmStarter(Starter):
    """Starts commands one after the other, forked from the warm process of this one.

    Args:
        process: that their server is forked from.
        environment: of the commands.
        package: that is run as a command.
        prepare: what their server does first; a function of a module, or a partial one.
    """

    def __init__(self, process, environment, package=AS_USER, prepare=None):
        super().__init__(environment)
        self._process, self._package, self._prepare = process, package, prepare

    def start(self, words, folder=None, output=None, errors=None, threads=None):
        """Start a command, after the one before has ended; none is too light to be forked."""
        if self._connection is None:
            self._start_server()
        return super().start(words, folder, output, errors, threads)

    @property
    def server(self):
        """The id of the server, which leads the group of processes that its commands are in."""
        return self._server.number

    def _start_server(self):
        self._connection, self._server = self._process.server(self.environment, self._package, self._prepare)
        return self._connection


def start_warm_process(environment):
    """Start the warm process of this one, which ends with it."""
    ours, theirs = Pipe()
    with theirs, held_back():
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", CODE, str(theirs.fileno())],
            env=environment,
            stdout=subprocess.PIPE,  # a stream that began as a file cannot become a pipe
            pass_fds=[theirs.fileno()],
        )
    ours.recv()
    return WarmProcess(ours, process)


def main():
    """Be the warm process of the one that holds the other end of the connection, whose descriptor is the only word."""
    gc.enable()  # which the package of the tests has switched off
    connection = Connection(int(sys.argv[1]))
    imported(*fork_server.PRELOADED)
    connection.send(os.getpid())
    fork_servers(connection, has_sessions=True)


def fork_servers(connection, has_sessions):
    """Fork a server for each request, in a session of its own or not, until the process that asks ends."""
    number = os.getpid()
    while True:
        try:
            environment, package, prepare = connection.recv()
            descriptor = recv_handle(connection)
        except EOFError:
            collect_ended()
            os._exit(0)
        collect_ended()
        process = os.fork()
        if not process:
            connection.close()
            if has_sessions:
                os.setsid()
            serve(Connection(descriptor), number, environment, package, prepare)
        os.close(descriptor)
        connection.send(process)


def collect_ended():
    """Collect the servers that have ended, whose processor time counts as that of this process from then on."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def serve(connection, parent, environment, package, prepare):
    """Become a server as one that was started anew with this environment."""
    die_with(parent)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    if prepare is not None:
        prepare()
    fork_server.serve(connection, partial(run_command, package=package))


def run_command(request, descriptors, package):
    """Run a command; one that starts others forks the process as it is then, which their servers come from."""
    if request.words[0] in STARTING_OTHERS:
        fork_warm_process(request, descriptors)
    fork_server.run_command(request, descriptors, package)


def fork_warm_process(request, descriptors):
    number = os.getpid()
    ours, theirs = Pipe()
    if not os.fork():
        ours.close()
        for descriptor, stream in zip(descriptors, request.streams, strict=True):
            os.dup2(descriptor, stream)  # the output of its servers goes where that of the command goes
            os.close(descriptor)
        die_with(number)
        fork_servers(theirs, has_sessions=False)
    theirs.close()
    process = WarmProcess(ours)

    def start_server(starter):
        starter._connection, starter._server = process.server(starter.environment, fork_server.PACKAGE, None)
        return starter._connection

    Starter._start_server = start_server
