"""Commands for scripts: a light program stands in for ``ssd-det``, and asks the tests for a process that is forked."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Client, Listener, wait
from multiprocessing.reduction import recv_handle

from tests import asking_program
from tests.command import warm_process, warm_starter

PROGRAM = f"""#!/bin/sh
exec {sys.executable} -I -S {asking_program.__file__} "$@"
"""


class AskedCommands:
    """Runs what programs ask for, each with their words, folder, environment and output, until they are killed.

    Args:
        path: of the socket.

    Attributes:
        environment: by which its programs find it.
    """

    def __init__(self, path):
        warm_process()  # before threads need it
        self.path = path
        self.environment = {asking_program.SOCKET: str(path)}
        self._listener = Listener(str(path))
        self._threads = []
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with Client(str(self.path)) as connection:
            connection.send(None)
        self.join()

    def join(self):
        """Wait until all commands have ended; that of a program that was killed is killed."""
        for thread in self._threads:
            thread.join()

    def _listen(self):
        with self._listener:
            while True:
                connection = self._listener.accept()
                if (request := connection.recv()) is None:
                    break
                streams = [os.fdopen(recv_handle(connection), "wb") for _ in range(2)]
                self._threads.append(threading.Thread(target=self._run, args=(connection, request, streams)))
                self._threads[-1].start()

    def _run(self, connection, request, streams):
        words, folder, environment = request
        with connection, streams[0], streams[1], warm_starter(environment) as starter:
            process = starter.start(words, folder, *streams)
            code = None
            while code is None and not wait([connection], 0.02):  # to read is what its end leaves alone
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(0)
            if code is None:
                process.kill()
                process.wait()
            else:
                connection.send(code)
