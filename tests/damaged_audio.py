"""Ways in which a recording is damaged."""

import numpy as np
import soundfile


def damage_empty(path):
    path.write_bytes(b"")


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:-3000])


def damage_text(path):
    path.write_text("this is not audio")


def damage_nan(path):
    samples, rate = soundfile.read(path, dtype="float32")
    samples[1234] = np.nan
    soundfile.write(path, samples, rate, subtype="FLOAT")
