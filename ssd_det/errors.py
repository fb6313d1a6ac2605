"""The error that users are meant to see, and the exit codes of the commands."""

FAULTS_FOUND = 1
BAD_INPUT = 2


class InputError(Exception):
    """Something that the user can fix; its text names the file or entry, the value and the fix in one sentence.

    The command line prints it and exits with code 2.
    """

    @property
    def sentence(self) -> str:
        """The text alone: a worker of a data loader passes its errors on with a traceback in front."""
        return str(self).rsplit("InputError: ", maxsplit=1)[-1].strip()
