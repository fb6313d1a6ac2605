"""Words of the command line that several tests use."""

import json

QUIET = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]


def options(group, settings):
    """Each setting as a word ``--group.name=value``."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
    return [f"--{group}.{name}={text}" for name, text in texts.items()]
