from ssd_det.data.checking import look_over
from ssd_det.data.coco import read_coco


def test_a_good_file_has_counts_and_no_faults(demo):
    findings = look_over(read_coco(demo / "noisy.json"), demo / "images")
    assert findings.counts["images"] == 6
    assert findings.counts["annotations"] == sum(findings.per_category.values())
    assert not findings.faults


def test_faults_of_images_are_found_without_decoding_them(make_coco, make_image, tmp_path):
    images = [{"id": i, "file_name": f"{i}.png", "width": 40, "height": 30} for i in range(1, 5)]
    make_image("1.png")
    make_image("2.png", 30, 40)
    (tmp_path / "3.png").write_bytes(b"nothing")
    findings = look_over(read_coco(make_coco(images=images)), tmp_path)
    text = "\n".join(findings.faults)
    assert len(findings.faults) == 3
    assert "1 of 4 image files are not in" in text
    assert "4.png" in text
    assert "image 2 is 30x40, but the annotation file says 40x30" in text
    assert "image 3 does not decode" in text
    assert findings.counts["images without annotations"] == 3
