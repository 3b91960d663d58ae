"""A data set of many devices made from one of a single device, by simulating every other device's recordings."""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from asc_tf.atomic import exclusive
from asc_tf.data.clips import check_audio_files, read_clips
from asc_tf.data.device_simulation import brown_noise, hear, read_devices
from asc_tf.data.tau_writer import claim_folder, write_clip, write_tables
from asc_tf.errors import AscError, unreadable

_STEPS = 40
"""Number of places for training recordings; each device takes a range that starts 8 places after the last one's."""
_DESCRIPTION = "devices.json"


def write_multi_device(
    root: str | os.PathLike,
    out: str | os.PathLike,
    responses: str | os.PathLike,
    description: str | os.PathLike | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[int, int]:
    """Write a data set of many devices in the TAU layout from one of a single device; a second call continues.

    Every device records every test clip, and its share of the training clips; the source's own device records all
    clips. So a device with a share of 0 is unseen in training. Split and locations are those of the source set.
    Location and segment alone decide which devices record a clip, and all noise: the same source gives the same bytes
    in any order. Audio is 24-bit mono at the source's rate; samples beyond +-1 are clipped, as in a device.

    Args:
        root: folder of the source set, in the TAU layout.
        out: folder to make.
        responses: folder with the microphones' impulse responses that the description names.
        description: JSON file, see `read_devices`; that of ESC-10 Mobile if None.
        progress: called as progress(done, total) after each recording, if given.

    Returns:
        (number of training clips, number of test clips).

    Raises:
        AscError: see `read_clips` and `read_devices`; the source has several devices, a response is missing, or `out`
            holds something else or is being written by another process.
    """
    root, out = Path(root), Path(out)
    devices = read_devices(description)
    clips = read_clips(root)
    check_audio_files(root, clips)
    clips = clips[clips.split != ""]
    own = _only_device(root, clips, devices)
    rate, samples = _format_of(root, clips)
    chains = _responses(Path(responses), devices, rate)
    with exclusive(out):
        _claim(out, devices, clips, own, samples)
        rows = []
        for done, clip in enumerate(clips.itertuples(), 1):
            rows += _record(root, out, clip, own, devices, chains, rate, samples)
            if progress is not None:
                progress(done, len(clips))
        return write_tables(out, rows)


def _only_device(root, clips, devices):
    """The only device of the source set."""
    found = sorted(clips.device.unique())
    if len(found) > 1:
        raise AscError(f"{root}: has {len(found)} devices ({', '.join(found)}); expected a data set of a single one")
    if found[0] in devices.devices:
        raise AscError(f"{root}: its device is '{found[0]}', as is one of the description; expected another name there")
    return found[0]


def _format_of(root, clips):
    """(sample rate in Hz, samples of a clip) of most clips, the length in tenths of a second."""
    formats = Counter()
    for name in clips.filename:
        info = _open(soundfile.info, root / name)
        formats[info.samplerate, round(info.duration, 1)] += 1
    (rate, seconds), _ = formats.most_common(1)[0]
    return rate, round(seconds * rate)


def _open(function, path, **arguments):
    try:
        return function(path, **arguments)
    except (soundfile.LibsndfileError, OSError) as error:
        raise unreadable(path, error, "an audio file") from error


def _read_mono(path, rate_hz):
    """Samples, float64 [samples]: double precision, since the result is stored in 24 bits."""
    audio, found_hz = _open(soundfile.read, path, dtype="float64", always_2d=True)
    audio = audio.mean(axis=1)
    return audio if found_hz == rate_hz else resample_poly(audio, rate_hz, found_hz)


def _responses(folder, devices, rate_hz):
    """Impulse responses by device, one for each microphone."""
    if not folder.is_dir():
        raise AscError(f"{folder}: no such folder; expected impulse responses")
    files = {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".wav", ".flac", ".aiff")}
    named = [name for device in devices.devices.values() for name in device.microphones]
    if missing := [name for name in dict.fromkeys(named) if name not in files]:
        raise AscError(f"{folder}: has no impulse response named {', '.join(missing)}; expected NAME.wav for each")
    known = {name: _read_mono(files[name], rate_hz) for name in dict.fromkeys(named)}
    return {name: [known[one] for one in device.microphones] for name, device in devices.devices.items()}


def _claim(out, devices, clips, own, samples):
    names = "\n".join(clips.filename + "\t" + clips.scene + "\t" + clips.location + "\t" + clips.split)
    made = {"own_device": own, "samples": samples, "source_crc32": zlib.crc32(names.encode())}
    text = json.dumps({**made, **dataclasses.asdict(devices)}, indent=2) + "\n"
    claim_folder(out / _DESCRIPTION, text, "data devices", "of other devices or of another source")


def _record(root, out, clip, own, devices, chains, rate, samples):
    """Write one recording as each device would record it; returns the rows of the tables."""
    key = f"{clip.location}-{clip.segment}"
    names = [own, *_recording_devices(key, clip.split, devices)]
    files = {name: f"audio/{clip.scene}-{key}-{name}.wav" for name in names}
    if not all((out / file).is_file() for file in files.values()):
        generator = np.random.default_rng(zlib.crc32(key.encode()))
        sound = _read_mono(root / clip.filename, rate)
        sound = np.pad(sound, (0, max(0, samples - len(sound))))[:samples]
        if devices.background_db is not None:
            sound = sound + brown_noise(samples, rate, generator.uniform(*devices.background_db), generator)
        for name, file in files.items():
            heard = sound if name == own else hear(sound, devices.devices[name], chains[name], rate, generator)
            write_clip(out / file, heard, rate)
    return [(file, clip.scene, clip.location, name, clip.split) for name, file in files.items()]


def _recording_devices(key, split, devices):
    """The devices that record a clip besides the source's own."""
    checksum = zlib.crc32(key.encode())
    # Whole places first; the rest of the checksum tells clips of one place apart, for fractional shares.
    place, rest = checksum % _STEPS, (checksum // _STEPS % 1000) / 1000
    for index, (name, device) in enumerate(devices.devices.items()):
        if split == "test" or (place + 8 * index) % _STEPS + rest < device.training_share * _STEPS:
            yield name
