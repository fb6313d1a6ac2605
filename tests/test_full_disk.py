"""Full disks: one sentence that names the file and its disk, what was there stays, and nothing is left behind."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from ssd_det.annotations.output import write_json, write_together
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.write_errors import cannot_be_written, size_of, writing
from tests.command import fails
from tests.limits import files_of_at_most, ssd_det_with_disk
from tests.report.review.case import write_case
from tests.words import TINY

SAVING = [
    '--trainer.callbacks=[{"class_path": "ModelCheckpoint", "init_args": {"filename": "last", '
    '"dirpath": "disk/checkpoints", "enable_version_counter": false}}]'
]


def files_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def training(demo, *more):
    data = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}"]
    return ["fit", *TINY, *data, "--trainer.max_epochs=2", "--trainer.logger=false", *SAVING, *more]


def test_json_that_finds_no_room_leaves_the_last_one_and_says_how_much_it_needs(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, [])
    with files_of_at_most(1000), pytest.raises(InputError) as caught:
        write_json(path, ["x" * 2_500_000])
    message = str(caught.value)
    assert message.startswith(f"{path}: cannot be written (File too large; it needs 2.5 MB; the disk at /")
    assert message.endswith(" MB left): make room, or give another output.")
    assert files_in(tmp_path) == {path.relative_to(tmp_path): b"[]"}


def test_files_that_belong_together_change_together(tmp_path):
    write_together(tmp_path, {"a": b"old", "b": b"old"})
    with files_of_at_most(1000), pytest.raises(InputError, match="b: cannot be written"):
        write_together(tmp_path, {"a": b"new", "b": bytes(2000)})
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old"}
    write_together(tmp_path, {"a": b"new", "b": b"new"})
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"new"}


def test_what_is_written_in_between_counts_as_the_file_that_is_named(tmp_path):
    message = r"a\.csv: cannot be written \(No space left on device; the disk at /"
    with pytest.raises(InputError, match=message), writing(tmp_path / "none" / "a.csv"):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/other")
    refusal = cannot_be_written("a", OSError(errno.EACCES, "Permission denied"), needed=5)
    assert str(refusal) == "a: cannot be written (Permission denied): correct the permissions, or give another output."
    assert size_of(lambda file: file.write(bytes(12))) == 12


def test_a_page_stays_until_the_next_is_whole(tmp_path, capsys):
    refined = write_case(tmp_path)
    words = ["report", str(refined), f"--image_root={tmp_path / 'images'}", f"--output={tmp_path / 'page'}"]
    assert main(words) == 0
    before = files_in(tmp_path)
    capsys.readouterr()
    with files_of_at_most(1000):
        fails(capsys, main([*words, "--overwrite"]), f"{tmp_path / 'page'}: cannot be written (File too large")
    assert files_in(tmp_path) == before


def test_a_page_that_was_being_replaced_by_a_process_that_was_killed_is_written_anew(tmp_path):
    refined = write_case(tmp_path)
    page = tmp_path / "page"
    words = ["report", str(refined), f"--image_root={tmp_path / 'images'}", f"--output={page}"]
    assert main(words) == 0
    before = files_in(page)
    (page / ".being_written").mkdir()
    (page / "review_files").rename(page / ".being_written" / "replaced")
    assert main(words) == 0
    assert files_in(page).keys() == before.keys()


def test_pictures_that_find_no_room_are_not_left_in_part(tmp_path, capsys):
    refined = write_case(tmp_path, images=2)
    words = ["draw-annotations", str(refined), f"--image_root={tmp_path / 'images'}", f"--output={tmp_path / 'drawn'}"]
    with files_of_at_most(1000):
        fails(capsys, main(words), ".png: cannot be written (File too large; it needs ")
    assert files_in(tmp_path / "drawn") == {}


def test_output_that_finds_no_room_ends_in_a_sentence(demo):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "ssd_det", "check-annotations", str(demo / "noisy.json")]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    (sentence,) = result.stderr.splitlines()
    assert "or what is printed, cannot be written (No space left on device): make room there" in sentence


def test_a_checkpoint_that_finds_no_room_leaves_the_last_one_alone_on_the_disk(demo, tmp_path):
    result, left = ssd_det_with_disk(tmp_path / "disk", "size=150m", *training(demo), cwd=tmp_path)
    assert result.code == 2, result.errors
    (sentence,) = result.errors.splitlines()
    assert "disk/checkpoints/last.ckpt: cannot be written (No space left on device; it needs " in sentence
    assert f"the disk at {tmp_path / 'disk'} has " in sentence
    assert "make room, and go on with --ckpt_path=" in sentence
    assert left == {"checkpoints/last.ckpt"}


def test_checkpoints_do_not_pass_through_the_folder_of_temporary_files(demo, tmp_path):
    words = training(demo, "--trainer.max_epochs=1")
    result, _ = ssd_det_with_disk(tmp_path / "small", "size=16k", *words, cwd=tmp_path, TMPDIR=str(tmp_path / "small"))
    assert result.code == 0, result.errors
    assert (tmp_path / "disk" / "checkpoints" / "last.ckpt").stat().st_size > 1_000_000


def test_two_processes_end_with_the_sentence_of_the_first(demo, tmp_path):
    words = training(demo, "--trainer.devices=2")
    result, left = ssd_det_with_disk(tmp_path / "disk", "size=20m", *words, cwd=tmp_path)
    assert result.code == 2, result.errors
    assert "Traceback" not in result.errors
    sentences = {line for line in result.errors.splitlines() if line}
    assert len(sentences) == 1
    assert "last.ckpt: cannot be written (No space left on device" in sentences.pop()
    assert left == set()
