"""Samples from a pipe as they arrive: a WAV stream, or raw 16-bit samples. The format is never guessed."""

from asc_tf.audio.sample_format import GUARD_BYTES, SampleDecoder, SampleFormat
from asc_tf.audio.wav_header import MAGICS, check_rate, data_bytes, read_wav_header
from asc_tf.errors import AscError

_RAW = SampleFormat(container_bytes=2, valid_bits=16)
_OTHERS = {b"fLaC": "FLAC", b"OggS": "OGG", b"FORM": "AIFF", b".snd": "AU", b"caff": "CAF", b"ID3\3": "MP3",
           b"ID3\4": "MP3"}  # fmt: skip
_BLOCK = 1 << 16


class SamplePipe:
    """A binary file such as standard input, read as data arrive.

    Args:
        file: with `read1` or `read`.
        raw_rate_hz: rate of raw samples, S16_LE in one channel.
        said_rate_hz: the user's rate, to be compared with the header's; None if not given.
        name: for errors.

    Attributes:
        wav: whether a WAV header came first.
        sample_rate_hz: frames a second.
        channels: samples in a frame.
        format: a `SampleFormat`.

    Raises:
        AscError: an empty pipe, a damaged header, an unsupported format, or a rate other than the user's.
    """

    def __init__(self, file, raw_rate_hz, said_rate_hz=None, name="standard input"):
        self._read, self._name, self._ahead, self._bytes = getattr(file, "read1", file.read), name, b"", None
        self._ahead = self._exactly(4)
        if not self._ahead:
            raise AscError(f"{name}: ended before a sample came")
        if self._ahead in _OTHERS:
            raise AscError(f"{name}: is {_OTHERS[self._ahead]}; expected WAV, or raw S16_LE of one channel")
        self.wav = self._ahead in MAGICS
        self.sample_rate_hz, self.channels, self.format = raw_rate_hz, 1, _RAW
        if self.wav:
            self._read_header()
        check_rate(self.sample_rate_hz, name)
        if self.wav and said_rate_hz not in (None, self.sample_rate_hz):
            raise AscError(f"{name}: the WAV header says {self.sample_rate_hz} Hz, but --rate {said_rate_hz}")

    def __str__(self):
        kind = "WAV" if self.wav else "raw samples"
        return f"{kind}, {self.sample_rate_hz} Hz, {self.channels} channel(s), {self.format}"

    def __iter__(self):
        """Float32 arrays [n, channels] in +-1 until the end.

        Raises:
            AscError: the stream ends earlier than its header says, or raw samples end inside a sample.
        """
        decode, frame = SampleDecoder(self.format, self._name), self.format.container_bytes * self.channels
        content, taken = bytearray(GUARD_BYTES), 0
        while self._bytes is None or taken < self._bytes:
            more = self._some(_BLOCK if self._bytes is None else min(_BLOCK, self._bytes - taken))
            if not more:
                break
            taken += len(more)
            content += more
            end = GUARD_BYTES + (len(content) - GUARD_BYTES) // frame * frame
            if end > GUARD_BYTES:
                yield decode(bytes(content[:end])).reshape(-1, self.channels)
                del content[GUARD_BYTES:end]
        if self._bytes is not None and taken < self._bytes:
            raise AscError(f"{self._name}: ended after {taken} of the {self._bytes} bytes that the header promises")
        if not self.wav and len(content) > GUARD_BYTES:
            raise AscError(f"{self._name}: ended inside a sample; was it {self}?")

    def _read_header(self):
        header = read_wav_header(self._exactly, self._name)
        self.sample_rate_hz, self.channels, self.format = header.sample_rate_hz, header.channels, header.format
        if header.format is None:
            tag, bits = header.codec
            raise AscError(
                f"{self._name}: has WAV samples of format {tag} with {bits} bits; "
                "expected integers of 8 to 32 bits or floating point"
            )
        self._ahead = self._exactly(4)
        self._bytes = data_bytes(header, self._name, self._ahead)

    def _some(self, most):
        """At least one byte and at most this many; none at the end."""
        if not self._ahead:
            return self._read(most)
        some, self._ahead = self._ahead[:most], self._ahead[most:]
        return some

    def _exactly(self, count):
        """This many bytes, or fewer at the end."""
        data = b""
        while len(data) < count and (more := self._some(count - len(data))):
            data += more
        return data
