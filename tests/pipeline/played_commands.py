"""The commands of a stage, played by a function."""


class FakeProcesses:
    """Notes the words it is to run, and leaves a product or ends with a code in place of the command."""

    def __init__(self, folder, code=0):
        self.folder, self.code, self.ran = folder, code, []

    def run(self, words, on_all_cores=False):
        self.ran.append(words)
        if not self.code:
            (self.folder / "product.json").write_text(str(len(self.ran)))
        return self.code


def advance(stage, code=0):
    """The words that were run."""
    processes = FakeProcesses(stage.folder, code)
    stage.advance(processes, "[1/1]")
    return processes.ran
