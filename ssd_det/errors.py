"""The one error that users are meant to see, and the exit codes of the commands."""

FAULTS_FOUND = 1
BAD_INPUT = 2
INTERRUPTED = 130


class InputError(Exception):
    """Something that the user can mend; its text names the place, the value and the mend in one sentence.

    The command line prints it and exits with code 2.
    """

    @property
    def sentence(self) -> str:
        """The text alone: a data loader's worker sends its errors on with a traceback in front."""
        return str(self).rsplit("InputError: ", maxsplit=1)[-1].strip()
