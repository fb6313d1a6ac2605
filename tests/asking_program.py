"""The program that asks :mod:`tests.asked_commands` for a command, and ends as that does."""

import os
import sys
from multiprocessing.connection import Client
from multiprocessing.reduction import send_handle

SOCKET = "SSD_DET_TESTS_SOCKET"

if __name__ == "__main__":
    with Client(os.environ[SOCKET]) as connection:
        connection.send((sys.argv[1:], os.getcwd(), dict(os.environ)))  # noqa: PTH109 (pathlib takes time to import)
        for number in (1, 2):
            send_handle(connection, number, None)
        sys.exit(connection.recv())
