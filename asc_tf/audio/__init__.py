"""Sound in files and streams: formats, headers, samples, levels. Needs no TensorFlow."""

from asc_tf.audio.audio_file import AudioFile
from asc_tf.audio.waveform import audio_seconds, load_waveform, resample, waveform_blocks

__all__ = ["AudioFile", "audio_seconds", "load_waveform", "resample", "waveform_blocks"]
