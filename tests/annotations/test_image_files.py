"""File names of exports, and that none of them reads outside the image root."""

import time
import unicodedata
from pathlib import Path

import pytest

from ssd_det.annotations.coco import CocoFile, Image, read_coco
from ssd_det.annotations.image_files import resolve_images
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.errors import InputError
from ssd_det.main import main


def find(root, *names, **settings):
    """The files that names lead to, relative to the root if they are in it; ``None`` where there is none."""
    images = [Image(number, name, 40, 30) for number, name in enumerate(names)]
    found, _ = resolve_images(CocoFile(Path("names.json"), {}, images, [], []), root, **settings)
    paths = [found.get(image.id) for image in images]
    return [path.relative_to(root).as_posix() if path and path.is_relative_to(root) else path for path in paths]


@pytest.fixture
def root(tmp_path):
    """Make files under a root that holds nothing else."""

    def make(*names):
        folder = tmp_path / "images"
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return folder

    return make


@pytest.mark.parametrize(
    ("written", "existing"),
    [
        ("a.jpg", "a.jpg"),
        ("train/a.jpg", "train/a.jpg"),
        ("./train//a.jpg", "train/a.jpg"),
        ("/data/export/images/a.jpg", "a.jpg"),
        ("images/train/a.jpg", "train/a.jpg"),
        ("a.jpg", "deep/er/a.jpg"),
        ("train/a.jpg", "images/train/a.jpg"),
        (r"C:\data\images\train\a.jpg", "train/a.jpg"),
        (r"train\a.jpg", "train/a.jpg"),
        (r"train\a.jpg", "images/train/a.jpg"),
        ("/data/upload/1/1a2b3c4d-my_name.jpg", "1a2b3c4d-my_name.jpg"),
        ("/data/upload/1/1a2b3c4d-my_name.jpg", "my_name.jpg"),
        ("images/1a2b3c4d-a.jpg", "a.jpg"),
        ("/data/local-files/?d=folder/a.jpg", "folder/a.jpg"),
        ("/data/local-files/?d=folder%2Fmy%20cat.jpg", "folder/my cat.jpg"),
        ("/data/upload/3/my%20cat.jpg", "my cat.jpg"),
        ("https://host.example/images/a%20b.jpg?version=2", "a b.jpg"),
        ("my cat.jpg", "my cat.jpg"),
        ("100%.jpg", "100%.jpg"),
        ("what?.jpg", "what?.jpg"),
        (r"back\slash.jpg", r"back\slash.jpg"),
        ("图像/寿司.jpg", "图像/寿司.jpg"),
    ],
)
def test_names_of_exports_lead_to_their_files(root, written, existing):
    assert find(root(existing), written) == [existing]


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("prefix", ["", "/export/"])
def test_composed_and_decomposed_letters_are_the_same(root, written, on_disk, prefix):
    names = {form: unicodedata.normalize(form, "déjà/vü.jpg") for form in ("NFC", "NFD")}
    assert names["NFC"] != names["NFD"]
    assert find(root(names[on_disk]), prefix + names[written]) == [names[on_disk]]


@pytest.mark.parametrize("written", ["b.jpg", "val/a.jpg", "1a2b3c4-a.jpg", "aa.jpg", "train", ".", "\x00", "x" * 5000])
def test_other_names_lead_nowhere(root, written):
    assert find(root("train/a.jpg"), written) == [None]


def test_the_nearest_reading_wins(root):
    folder = root("a.jpg", "train/a.jpg", "x/train/a.jpg", "1a2b3c4d-a.jpg", "a%20b.jpg", "a b.jpg")
    names = ("train/a.jpg", "/export/x/train/a.jpg", "a.jpg", "1a2b3c4d-a.jpg", "a%20b.jpg")
    assert find(folder, *names) == ["train/a.jpg", "x/train/a.jpg", *names[2:]]


def test_a_name_that_could_be_several_files_is_refused(root):
    folder = root("train/a.jpg", "val/a.jpg")
    with pytest.raises(InputError, match=r"names\.json: image 0: a\.jpg could be .*train/a\.jpg, .*val/a\.jpg: write"):
        find(folder, "a.jpg")
    forms = [unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")]
    folder = root(*forms)
    assert find(folder, *forms) == forms
    with pytest.raises(InputError, match="could be"):
        find(folder, f"/export/{forms[0]}")


@pytest.mark.parametrize("other", ["./a.jpg", "/export/a.jpg", r"b\a.jpg"])
def test_two_names_of_one_file_are_refused(root, other):
    with pytest.raises(InputError, match=r"both lead to .*a\.jpg: give the folder"):
        find(root("a.jpg"), "a.jpg", other)


OUTSIDE = ["../secret.jpg", "train/../../secret.jpg", r"..\secret.jpg", "..%2fsecret.jpg", "%2e%2e/secret.jpg"]
OUTSIDE += ["/data/local-files/?d=../secret.jpg", "/data/local-files/?d=%2e%2e%2Fsecret.jpg"]


@pytest.mark.parametrize("written", OUTSIDE)
def test_a_name_that_leads_up_is_refused_whether_or_not_a_file_exists(root, written):
    folder = root("train/a.jpg", "secret.jpg")
    match = r"names\.json: image 0: .*secret\.jpg leads out of the image root: correct file_name or image_root, or give"
    with pytest.raises(InputError, match=match):
        find(folder, written)


def test_an_absolute_name_leads_out_only_where_that_is_allowed(root, tmp_path):
    folder, secret = root("train/a.jpg"), tmp_path / "secret.jpg"
    secret.write_bytes(b"")
    with pytest.raises(InputError, match=r"secret\.jpg leads out of the image root: correct .* or give allow_outside"):
        find(folder, str(secret))
    assert find(folder, str(secret), "../secret.jpg", allow_outside=True) == [secret, "../secret.jpg"]
    assert find(folder, str(folder / "train" / "a.jpg")) == ["train/a.jpg"]
    assert find(folder, "/nowhere/b.jpg", "../b.jpg", allow_outside=True) == [None, None]


def test_an_absolute_name_whose_end_is_under_the_root_is_read_there(root, tmp_path):
    folder = root("a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"")
    assert find(folder, str(tmp_path / "a.jpg")) == ["a.jpg"]
    assert find(folder, str(tmp_path / "a.jpg"), allow_outside=True) == [tmp_path / "a.jpg"]


def test_links_in_the_root_are_followed(root, tmp_path):
    folder = root("a.jpg")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    (folder / "broken.jpg").symlink_to(tmp_path / "nothing")
    assert find(folder, "link/b.jpg", "/export/a.jpg", "/export/broken.jpg") == ["link/b.jpg", "a.jpg", None]
    assert find(folder, "/export/link/b.jpg") == ["link/b.jpg"]


def test_many_images_below_folders_of_one_name_are_found_in_linear_time(root):
    names = [f"{number:05d}/image.jpg" for number in range(3000)]
    folder = root(*(f"data/{name}" for name in names))
    started = time.process_time()
    assert find(folder, *(f"export/{name}" for name in names[:1]), *names[1:])[1:] == [f"data/{n}" for n in names[1:]]
    assert time.process_time() - started < 30  # quadratic: minutes


def test_every_command_with_images_refuses_and_allows(demo, make_coco, make_image, tmp_path, capsys, monkeypatch):
    make_image("secret.png")
    (tmp_path / "images").mkdir()
    path = str(make_coco(images=[{"id": 1, "file_name": "../secret.png", "width": 40, "height": 30}]))
    root = str(tmp_path / "images")
    draw = ["draw-annotations", path, f"--image_root={root}", f"--output={tmp_path / 'pictures'}"]
    pipeline = ["pipeline", "--config=configs/pipeline.yaml", f"--annotations={path}", f"--image_root={root}"]
    pipeline += [f"--test_annotations={path}", f"--output={tmp_path / 'run'}"]
    monkeypatch.setattr("ssd_det.pipeline.stage.Stage.advance", lambda *_: None)
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.run", lambda *_: 0)
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.ask", lambda _, questions: dict.fromkeys(questions, ""))
    monkeypatch.setattr("ssd_det.pipeline.run_folder.settings_of", lambda *_: resolved())
    check = ["check-annotations", path, f"--image_root={root}"]
    assert main(check) == 1
    assert "a file name leads out of the image root" in capsys.readouterr().out
    assert main([*check, "--allow_outside"]) == 0
    for words in (draw, pipeline):
        assert main(words) == 2
        assert "image 1: ../secret.png leads out of the image root" in capsys.readouterr().err
        assert main([*words, "--allow_outside"]) == 0
    assert [picture.name for picture in (tmp_path / "pictures").iterdir()] == ["01_secret.png"]
    assert not (tmp_path / "run" / "refiner").exists()


def resolved():
    """The part of a configuration that a plan reads."""
    return {
        "model": {"class_path": "ssd_det.tasks.refine.RefineTask"},
        "data": {"init_args": {}},
        "trainer": {"callbacks": None},
    }


@pytest.mark.parametrize("module", [DetectDataModule, JointDataModule])
def test_detectors_refuse_and_allow(make_coco, make_image, tmp_path, module):
    make_image("secret.png")
    (tmp_path / "images").mkdir()
    path = str(make_coco(images=[{"id": 1, "file_name": str(tmp_path / "secret.png"), "width": 40, "height": 30}]))
    for setting, name in (("annotations", "coco"), ("test_annotations", "test_coco")):
        settings = {setting: path, "image_root": str(tmp_path / "images")}
        with pytest.raises(InputError, match="leads out of the image root"):
            getattr(module(**settings), name)
        assert getattr(module(**settings, allow_outside=True), name).images == read_coco(path).images
    joint = JointDataModule(annotations=path, image_root=str(tmp_path / "images"), allow_outside=True)
    assert joint.to_refine().paths == {1: tmp_path / "secret.png"}
