"""Samples of files that libsndfile decodes, in blocks, after a check that the file's end is there."""

import soundfile

from asc_tf.audio.levels import check_levels
from asc_tf.audio.mp3 import with_length
from asc_tf.audio.ogg import check_ogg_is_whole
from asc_tf.audio.promises import check_is_whole
from asc_tf.audio.wav_header import check_rate
from asc_tf.audio.wav_samples import BLOCK_VALUES
from asc_tf.errors import AscError

_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's count for FLAC encoded into a pipe; it fails to read such a file
_ERRORS = soundfile.LibsndfileError, RuntimeError, TypeError  # TypeError: the file's name ends in .raw


class CodedSamples:
    """An audio file that libsndfile decodes; a context manager.

    Args:
        path: of the file.
        file: the same file, open.

    Attributes:
        sample_rate_hz, channels, frames: by its header.

    Raises:
        AscError: not audio, a rate that cannot be right, or a file whose end is missing or cannot be found.
    """

    def __init__(self, path, file):
        self._path, self._least = path, 0
        source = path
        magic = file.read(4)
        if magic == b"OggS":
            check_ogg_is_whole(path, file)
        elif magic[:3] == b"ID3" or magic[:1] == b"\xff":
            source, self._least = with_length(path, file)
            source = path if source is file else source
        try:
            self._sound = _Sequential(source)
        except _ERRORS as error:
            raise self._undecodable(error) from error
        try:
            self.sample_rate_hz, self.channels = self._sound.samplerate, self._sound.channels
            self.frames = self._sound.frames
            if self.frames == _UNKNOWN_FRAMES:
                raise AscError(f"{path}: is a stream of unknown length; expected a header that says its length")
            self._said = check_is_whole(path, file, self._sound.format, self._sound.extra_info)
            check_rate(self.sample_rate_hz, path)
        except BaseException:
            self._sound.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._sound.close()

    def __iter__(self):
        """Yield float32 arrays [n, channels] in +-1."""
        block_frames, count = max(1, BLOCK_VALUES // self.channels), 0
        while True:
            try:
                samples = self._sound.read(block_frames, "float32", always_2d=True)
            except _ERRORS as error:
                raise self._undecodable(error) from error
            if not self._sound.subtype.startswith("PCM_"):
                check_levels(samples, self._path, count)
            count += len(samples)
            if len(samples):
                yield samples
            if len(samples) < block_frames:
                break
        expected = max(self.frames, self._least)
        if count < expected:
            raise AscError(f"{self._path}: truncated, {count} of {expected} samples could be decoded")
        if self._said and count != self._said:
            raise AscError(f"{self._path}: damaged, {count} samples were decoded in place of {self._said}")

    def _undecodable(self, error):
        reason = getattr(error, "error_string", str(error)).strip().rstrip(".")
        return AscError(f"{self._path}: cannot be decoded as audio ({reason})")


class _Sequential(soundfile.SoundFile):
    """Read from front to back: soundfile would seek after every block, and that changes the samples of Opus files."""

    def seekable(self):
        return False
