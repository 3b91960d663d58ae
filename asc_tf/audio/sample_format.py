"""Number formats of samples in WAV files and streams: integers in containers of whole bytes, and floating point."""

from dataclasses import dataclass

import numpy as np

from asc_tf.errors import AscError

GUARD_BYTES = 1  # bytes before the samples: 3-byte integers are read as overlapping 4-byte integers


@dataclass(frozen=True)
class SampleFormat:
    """The format of one channel's samples.

    Args:
        container_bytes: 1 to 4 for integers, 4 or 8 for floating point.
        valid_bits: bits of the container that carry sound, such as 24 of the 32 in 4 bytes.
        floating: whether the samples are floating point.
        big_endian: whether the highest byte comes first.
    """

    container_bytes: int
    valid_bits: int
    floating: bool = False
    big_endian: bool = False

    @property
    def padding_bits(self):
        """Bits of the container that carry no sound."""
        return 8 * self.container_bytes - self.valid_bits

    def __str__(self):
        kind = "floating point" if self.floating else "integer"
        return f"{self.valid_bits}-bit {kind}" + (f" in {self.container_bytes} bytes" if self.padding_bits else "")


class SampleDecoder:
    """Converts bytes to numbers in +-1, the same numbers that libsndfile gives for the formats it reads.

    In a container with unused bits, WAVE_FORMAT_EXTENSIBLE puts the sample at the upper end and zeros below; ALSA's
    S24_LE (arecord) puts it at the lower end. No header tells the two apart, so the first samples other than zero
    decide: if lower bits are set and the numbers fit into the valid bits, the format is ALSA's.

    Args:
        format: a `SampleFormat`.
        name: of the file or stream, for errors.
    """

    def __init__(self, format, name):
        self._format, self._name = format, name
        self._dtype = f"{'>' if format.big_endian else '<'}{'f' if format.floating else 'i'}{format.container_bytes}"
        self._at_lower_end = None if format.padding_bits else False

    def __call__(self, guarded):
        """Samples of whole containers.

        Args:
            guarded: bytes-like: GUARD_BYTES of any content, then the containers.

        Returns:
            float32 [samples].

        Raises:
            AscError: numbers at the lower end of their containers that exceed the valid bits.
        """
        raw, width = np.frombuffer(guarded, np.uint8), self._format.container_bytes
        samples = np.empty((len(raw) - GUARD_BYTES) // width, np.float32)
        if self._format.floating:
            samples[:] = raw[GUARD_BYTES:].view(self._dtype)
        elif width == 1:  # 8-bit WAV is unsigned
            np.subtract(raw[GUARD_BYTES:], np.float32(128), out=samples)
            samples *= np.float32(2.0**-7)
        else:
            integers = self._integers(raw)
            samples[:] = integers
            samples *= np.float32(self._scale(integers))
        return samples

    def _integers(self, raw):
        """Signed integers of the containers after the guard."""
        if self._format.container_bytes != 3:
            return raw[GUARD_BYTES:].view(self._dtype)
        if self._format.big_endian:
            raw = np.concatenate([raw[:GUARD_BYTES], raw[GUARD_BYTES:].reshape(-1, 3)[:, ::-1].ravel()])
        # The lowest byte belongs to the preceding sample and is shifted out.
        return np.ndarray((len(raw) - GUARD_BYTES) // 3, "<i4", raw, strides=(3,)) >> 8

    def _scale(self, integers):
        """The factor from integers to +-1, once the position of the valid bits in the container is known."""
        valid_bits, padding_bits = self._format.valid_bits, self._format.padding_bits
        if self._at_lower_end is not False and integers.any():
            fit = -(1 << valid_bits - 1) <= integers.min() and integers.max() < 1 << valid_bits - 1
            if self._at_lower_end is None:
                self._at_lower_end = bool(fit and (integers & (1 << padding_bits) - 1).any())
            elif not fit:
                raise AscError(f"{self._name}: its first samples are {self._format}, later ones are not")
        return 2.0 ** (1 - (valid_bits if self._at_lower_end else valid_bits + padding_bits))
