"""ESC-10 out of ESC-50's archive: its ten categories under its own names, folds as parts, sources as locations."""

import hashlib

import pytest

from asc_tf.data import download as module
from asc_tf.data.clips import read_clips
from asc_tf.data.download import Archive, download
from asc_tf.data.esc10 import SCENES, write_split
from asc_tf.errors import AscError


def archive(folder):
    """A zip file as ESC-50's: two clips a category of ESC-10 and one of another category."""
    import zipfile

    rows = ["filename,fold,target,category,esc10,src_file,take"]
    path = folder / "ESC-50-master.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, category in enumerate([*SCENES, "thunderstorm"]):
            for fold in (1, 5):
                name = f"{fold}-{1000 + number}-A-{number}.wav"
                rows.append(f"{name},{fold},{number},{category},{category in SCENES},{1000 + number},A")
                file.writestr(f"ESC-50-master/audio/{name}", f"{category} {fold}")
        file.writestr("ESC-50-master/meta/esc50.csv", "\n".join(rows) + "\n")
    return path


def test_esc10_is_taken_out_of_esc50(tmp_path, monkeypatch):
    zipped = archive(tmp_path)
    digest = hashlib.md5(zipped.read_bytes()).hexdigest()
    monkeypatch.setattr(module, "_archives", lambda name: [Archive(zipped.name, "http://127.0.0.1:9/none", digest)])
    root = tmp_path / "ESC10"
    (root / "archives").mkdir(parents=True)
    zipped.rename(root / "archives" / zipped.name)  # verified and there: nothing is fetched
    download("esc10", root)
    assert write_split(root) == (10, 10) and write_split(root, test_fold=3) == (20, 0)
    write_split(root, test_fold=1)
    clips = read_clips(root)
    assert set(clips.scene) == set(SCENES.values()) and set(clips.device) == {"a"}
    assert set(clips.location[clips.split == "test"]) == {f"1-{1000 + number}" for number in range(10)}
    for clip in clips.itertuples():
        category = {new: old for old, new in SCENES.items()}[clip.scene]
        assert (root / clip.filename).read_text() == f"{category} {clip.city}"
    assert sorted(path.name for path in (root / "archives").iterdir()) == [f"{zipped.name}.done"]
    with pytest.raises(AscError, match="--test-fold 6: expected 1 to 5"):
        write_split(root, test_fold=6)


def test_soundata_lists_the_archive_of_esc50():
    pytest.importorskip("soundata")
    (only,) = module._archives("esc10")
    assert only.filename == "ESC-50-master.zip" and len(only.md5) == 32
