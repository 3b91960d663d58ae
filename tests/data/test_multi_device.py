"""A set of one device becomes one of many: who records what, what a device does, byte for byte the founders' set."""

import json

import numpy as np
import pytest
import soundfile
from founders_data import build_esc10_mobile

from asc_tf.cli import main
from asc_tf.data.clips import read_clips
from asc_tf.data.device_simulation import Device, brown_noise, hear, read_devices
from asc_tf.data.multi_device import write_multi_device
from asc_tf.data.tau_writer import write_clip, write_tables
from asc_tf.errors import AscError

RATE = 8000
TWO = {
    "background_db": [-60, -50],
    "devices": {
        "b": {"microphones": ["thin"], "gain_db": -3, "training_share": 0.25},
        "s": {"microphones": ["thin", "late"], "compress_above_db": -20, "ratio": 4},
    },
}


def source(root, recordings=40):
    """A data set of device a: 1 s of noise a recording, every fifth one in the test part."""
    generator = np.random.default_rng(0)
    rows = []
    for index in range(recordings):
        name, part = f"audio/s{index % 2}-p-{index}-1-a.wav", "train" if index % 5 else "test"
        (root / "audio").mkdir(parents=True, exist_ok=True)
        write_clip(root / name, 0.1 * generator.standard_normal(RATE), RATE)
        rows.append((name, f"s{index % 2}", f"p-{index}", "a", part))
    write_tables(root, rows)
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    (folder / "responses").mkdir()
    soundfile.write(folder / "responses" / "thin.wav", np.array([0.5, -0.5]), RATE)
    soundfile.write(folder / "responses" / "late.wav", np.array([0.0, 0.0, 0.9]), RATE)
    (folder / "devices.json").write_text(json.dumps(TWO))
    command = ["data", "devices", source(folder / "one"), "--responses", folder / "responses", "--out", folder / "many"]
    assert main([*map(str, command), "--devices", str(folder / "devices.json")]) == 0
    return folder


def test_every_device_records_the_test_part_and_its_share_of_the_training_part(made):
    one, many = read_clips(made / "one"), read_clips(made / "many")
    counts = many.groupby(["split", "device"]).size()
    assert counts["test"].to_dict() == {"a": 8, "b": 8, "s": 8}
    assert counts["train"]["a"] == 32 and 3 <= counts["train"]["b"] <= 13 and "s" not in counts["train"]
    split = dict(zip(one.location, one.split, strict=True))
    assert (many.location.map(split) == many.split).all()


def test_bytes_follow_from_the_clip_alone_and_a_killed_job_goes_on(made, tmp_path):
    many = made / "many"
    files = {path.name: path.read_bytes() for path in (many / "audio").iterdir()}
    for name in list(files)[::3]:
        (many / "audio" / name).unlink()
    (many / "meta.csv").unlink()
    write_multi_device(made / "one", many, made / "responses", made / "devices.json")
    assert {path.name: path.read_bytes() for path in (many / "audio").iterdir()} == files


def test_what_a_device_does():
    """Claims about sounds: a filter colours, its level stays, gain counts, a compressor takes from what is loud."""
    generator = np.random.default_rng(1)
    noise = 0.1 * generator.standard_normal(RATE)

    def rms_db(x):
        return 10 * np.log10(np.mean(x**2))

    quiet = {"hiss_db": -120}
    thin = hear(noise, Device(**quiet), [np.array([0.5, -0.5])], RATE, generator)
    spectrum = np.abs(np.fft.rfft(thin)) / np.abs(np.fft.rfft(noise))
    assert spectrum[:200].mean() < 0.1 * spectrum[-200:].mean() and abs(rms_db(thin) - rms_db(noise)) < 0.01
    assert abs(rms_db(hear(noise, Device(gain_db=-6, **quiet), [], RATE, generator)) - rms_db(noise) + 6) < 0.01
    pressed = hear(noise, Device(compress_above_db=-40, ratio=4, **quiet), [], RATE, generator)
    assert abs(rms_db(pressed) - (-40 + (rms_db(noise) + 40) / 4)) < 0.5
    assert abs(rms_db(hear(0 * noise, Device(hiss_db=-50), [], RATE, generator)) + 50) < 0.2
    assert abs(rms_db(brown_noise(RATE, RATE, -40, generator)) + 40) < 0.01


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"devices": {}}, "with at least one device"),
        ({"devices": {"b": {"gain": 1}}}, "device 'b' has the field 'gain'; expected some of"),
        ({"devices": {"b": {"gain_db": "loud"}}}, "device 'b' has gain_db 'loud'; expected a number from -60 to 60"),
        ({"devices": {"b": {"ratio": float("nan")}}}, "device 'b' has ratio nan; expected a number from 1 to 100"),
        ({"devices": {"b": {"microphones": "x"}}}, "expected a list of names"),
        ({"background_db": [-30, -40]}, "background_db is"),
        ({"noise": 1}, "has the field 'noise'"),
    ],
)
def test_a_wrong_description_is_one_sentence(tmp_path, change, expected):
    (tmp_path / "devices.json").write_text(json.dumps({**TWO, **change}))
    with pytest.raises(AscError, match=expected):
        read_devices(tmp_path / "devices.json")


def test_missing_responses_are_named_at_once_and_nothing_is_written(made, tmp_path):
    with pytest.raises(AscError, match="has no impulse response named thin, late; expected NAME.wav for each"):
        write_multi_device(made / "one", tmp_path / "out", tmp_path, made / "devices.json")
    with pytest.raises(AscError, match="has 3 devices"):
        write_multi_device(made / "many", tmp_path / "out", made / "responses", made / "devices.json")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.shared
def test_esc10_mobile_byte_for_byte(shared, tmp_path):
    """Clips of the founders' set come out of their sources with the very bytes of their build script's formulas."""
    rain = shared / "esc10_mobile" / "clips" / "rain"
    rows, clips = [], [path for fold in (1, 5) for path in sorted(rain.glob(f"{fold}-*.ogg"))[:3]]
    for clip in clips:
        fold, origin, take = clip.stem.split("-")
        name = f"audio/rain-{fold}-{origin}-{take}-a.ogg"
        (tmp_path / "one/audio").mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / name).write_bytes(clip.read_bytes())
        rows.append((name, "rain", f"{fold}-{origin}", "a", "test" if fold == "5" else "train"))
    write_tables(tmp_path / "one", rows)
    write_multi_device(tmp_path / "one", tmp_path / "many", shared / "esc10_mobile" / "microphones")
    root = build_esc10_mobile(shared, clips, tmp_path / "built")
    expected = {path.name.replace("-fold", "-"): path.read_bytes() for path in (root / "audio").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "many/audio").iterdir()} == expected
    assert len(expected) > len(clips)
