"""Samples from the microphone, through the optional package sounddevice."""

from asc_tf.errors import AscError, not_installed

_INSTEAD = "or use a pipe: arecord -f S16_LE -r {rate} -c 1 -t raw | asc-tf listen MODEL -"


class Microphone:
    """The system's standard input device, one channel, opened at a rate that the device supports.

    Args:
        sample_rate_hz: wanted rate; a device without it is opened at its own rate.
        report: called with a line if the device dropped samples because they were not read in time.

    Attributes:
        sample_rate_hz: the device's rate.

    Raises:
        AscError: sounddevice or the PortAudio library is not installed, or no microphone can be opened.
    """

    def __init__(self, sample_rate_hz, report):
        instead = _INSTEAD.format(rate=sample_rate_hz)
        try:
            import sounddevice
        except ModuleNotFoundError:
            raise not_installed("the microphone", "sounddevice", "listen", f", {instead}") from None
        except OSError as error:
            raise AscError(
                f"the microphone: needs the PortAudio library ({error}); install libportaudio2, {instead}"
            ) from None
        self._error, self._report = sounddevice.PortAudioError, report
        self.sample_rate_hz = sample_rate_hz
        try:
            try:
                sounddevice.check_input_settings(channels=1, samplerate=sample_rate_hz, dtype="float32")
            except sounddevice.PortAudioError:
                self.sample_rate_hz = round(sounddevice.query_devices(kind="input")["default_samplerate"])
            self._stream = sounddevice.InputStream(self.sample_rate_hz, channels=1, dtype="float32")
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AscError(f"the microphone: cannot be opened ({error}); {instead}") from error

    def __iter__(self):
        """Float32 arrays [n, 1] in +-1, a tenth of a second each, without end."""
        block, taken = self.sample_rate_hz // 10, 0
        try:
            with self._stream as stream:
                while True:
                    samples, overflowed = stream.read(block)
                    taken += len(samples)
                    if overflowed:
                        self._report(f"the microphone dropped samples after {taken / self.sample_rate_hz:.1f} s")
                    yield samples
        except self._error as error:
            raise AscError(f"the microphone: failed ({error})") from error
