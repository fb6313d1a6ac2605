import hashlib

import pytest

from ssd_det.annotations.digests import digest


@pytest.mark.parametrize("content", [b"", b"a\r\n\xff", b"0" * 3_000_000])
def test_the_digest_is_the_sha_256_of_the_bytes(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()
