"""Every command that the documentation shows, parsed as it would be if it were run."""

import functools
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import yaml
from jsonargparse import capture_parser

import ssd_det.pipeline.pipeline as pipeline_command
from ssd_det.main import COMMANDS, main
from ssd_det.pipeline.sections import resolve_words
from ssd_det.shipped import configs_folder
from tests.docs.pages import PAGES, commands_of, recorded

CALLS = sorted({(page.name, tuple(words)) for page in PAGES for words in commands_of(page)})
CONFIGURATION = re.compile(r"\b(?:my_)?configs/([\w/]+\.yaml)")
parser_of = functools.cache(lambda command: capture_parser(main, [command]))


@pytest.fixture(autouse=True, scope="module")
def inside(tmp_path_factory):
    """A folder with the configurations that commands in the documentation write, where a user would have them."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("configs", "my_configs", "mine"):
        (folder / name).symlink_to(configs_folder())
    data = {"init_args": {"annotations": "noisy.json", "image_root": "images"}}
    run_config = {**yaml.safe_load((configs_folder() / "refine_small.yaml").read_text()), "data": data}
    for _, words in CALLS:
        for path in (folder / word for word in words if word.startswith("runs/") and word.endswith("/config.yaml")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(run_config))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


def parse(words):
    """Let the parser of a command read its words, and run nothing."""
    assert words[0] in COMMANDS
    if COMMANDS[words[0]][1] == "cli":
        parser_of(words[0]).parse_args([words[0].replace("-", "_"), *words[1:]])
    elif words[0] == "pipeline":
        parse_pipeline(words)
    else:
        parser_of(words[0]).parse_args(words[1:])


def parse_pipeline(words):
    """Parse the words of the pipeline, and those that it passes on to the trainings of its sections."""
    calls = []

    @functools.wraps(pipeline_command.pipeline)
    def record(**settings):
        calls.append(settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_command, "pipeline", record)
        main(words)
    (call,) = calls
    for name in ("refine", "detect"):
        section = call[name]
        fit_words = resolve_words(name, section.config.absolute, section.settings, call["overrides"][name], Path.cwd())
        with redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
            parse(fit_words)
        assert end.value.code == 0


@pytest.mark.parametrize(("page", "words"), CALLS, ids=[f"{page} {words[0]}" for page, words in CALLS])
def test_a_command_that_is_shown_can_be_parsed(page, words):
    parse(list(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_configuration_that_is_named_exists(page):
    named = set(CONFIGURATION.findall(page.read_text()))
    assert {name for name in named if not (configs_folder() / name).is_file()} == set()


@pytest.mark.parametrize(
    "script",
    [
        "ssd-det polish noisy.json",
        "ssd-det check-annotations noisy.json --image_rot images/",
        "ssd-det corrupt-annotations noisy.json --output a.json --noise_level high",
        "ssd-det fit --config configs/refine.yaml --model.rations [1,2]",
        "ssd-det pipeline --config configs/demo.yaml --annotations a --image_root b --test_annotations c --output d "
        "--detect.model.detecter=fcos",
    ],
)
def test_a_command_that_is_wrong_would_be_found(script, capsys):
    (words,) = recorded(script)
    with pytest.raises((AssertionError, SystemExit)):
        parse(words)


def test_words_are_split_as_a_shell_splits_them():
    script = 'A="x y"\nfor n in 1 2; do\n  ssd-det fit --a $A \\\n    "b c"$n # no word\ndone\nrm -rf $DATA\nmake demo'
    assert recorded(script) == [["fit", "--a", "x", "y", f"b c{n}"] for n in (1, 2)]
