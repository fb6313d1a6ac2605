"""The folder of a run: opening it, and keeping the configurations that were worked out in it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ssd_det import __version__
from ssd_det.annotations.digests import digest
from ssd_det.annotations.output import write_json
from ssd_det.class_names import with_short_names
from ssd_det.errors import InputError
from ssd_det.pipeline.given_sections import SECTIONS, Section
from ssd_det.pipeline.processes import Processes
from ssd_det.pipeline.run_settings import Inputs
from ssd_det.pipeline.sections import resolve_words, settings_of
from ssd_det.runs.layout import RUN_RECORD, STAGE_RECORD, section_settings_file
from ssd_det.runs.records import ResolvedSection, RunRecord, read_run_record


def check_folder(run: Path) -> None:
    """Refuse a folder that has other files in it than those of a run."""
    names = {path.name for path in run.iterdir() if not path.name.startswith(".")} if run.is_dir() else set()
    names -= {section_settings_file(run, section).name for section in SECTIONS}  # of a call with mistakes in them
    if names and RUN_RECORD not in names:
        raise InputError(f"{run}: is not empty and holds no run of the pipeline: give another output.")


def open_run(run: Path, inputs: Inputs) -> RunRecord:
    """Read or make the record of a run, in which no stage is up to date yet.

    Raises:
        InputError: if the run is one on other inputs.
    """
    paths = inputs.paths
    record = read_run_record(run)
    if record is None:
        return RunRecord(paths, {})
    was_begun = not record.resolved or any(run.rglob(STAGE_RECORD))
    if was_begun and ("previous_round" in paths) != ("previous_round" in record.inputs):
        goes_on = record.inputs.get("previous_round", "nothing")
        raise InputError(f"{run}: is a run that goes on from {goes_on}: do so here as well, or give another output.")
    for name, path in paths.items():
        recorded = record.inputs.get(name, path)  # what an earlier version did not record had its default
        # What is not there any more was most likely moved; each stage sees whether it has the same content.
        # More trusted boxes are the next step of the same run.
        if name != "trusted" and recorded != path and was_begun and Path(recorded).exists():
            raise InputError(
                f"{run}: is a run with another configuration: its {name} is {recorded}, not {path}: "
                f"give another output."
            )
    return replace(record, inputs=paths, current=())


def resolve_sections(
    run: Path,
    record: RunRecord,
    processes: Processes,
    sections: Mapping[str, Section],
    overrides: Mapping[str, list[str]],
) -> RunRecord:
    """Work out the whole configuration of each section whose source has changed since it was recorded.

    Returns:
        The record with the configurations of all sections, as it is written to the run's folder.
    """
    sources = {
        name: [__version__, digest(Path(section.config.absolute)), section.settings, overrides[name]]
        for name, section in sections.items()
    }
    resolved = {
        name: replace(section, settings=with_short_names(section.settings)) for name, section in record.resolved.items()
    }
    questions = {
        name: resolve_words(name, section.config.absolute, section.settings, overrides[name], run)
        for name, section in sections.items()
        if name not in resolved or resolved[name].source != sources[name]
    }
    for name, printed in processes.ask(questions).items():
        resolved[name] = ResolvedSection(sources[name], settings_of(name, printed))
    record = replace(record, resolved=resolved)
    write_json(run / RUN_RECORD, record.to_json())
    return record
