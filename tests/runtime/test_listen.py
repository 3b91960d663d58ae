"""The command `asc-tf listen`, on pipes and on a microphone made up here."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from asc_tf.cli import main
from asc_tf.runtime import SceneStream


def sound(seconds, rate=16000, channels=1):
    return np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * rate), channels))


def raw(seconds):
    return (sound(seconds)[:, 0] * 32767).astype("<i2").tobytes()


def start(*arguments, **pipes):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "asc_tf", "listen", *map(str, arguments)]
    return subprocess.Popen(command, **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE), **pipes)


@pytest.fixture
def piped(monkeypatch, capsys):
    """Run the command with bytes in its pipe; gives (status, lines, words to the user)."""

    def run(content, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False))
        status = main(["listen", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run


def test_raw_samples_give_a_line_a_window(file, piped):
    status, lines, err = piped(raw(2), file, "-", "--hop", 0.5)
    assert status == 0 and "raw samples, 16000 Hz" in err and "the first scene comes after 0.5 s" in err
    assert [line.split()[:2] for line in lines] == [[f"{end:.1f}", "s"] for end in (0.5, 1, 1.5, 2)]
    assert all(line.endswith(" %") for line in lines)


def test_a_wav_stream_of_48_khz_stereo_gives_what_the_library_gives(file, classifier, piped):
    wav = io.BytesIO()
    soundfile.write(wav, sound(1.6, 48000, 2), 48000, format="WAV", subtype="FLOAT")
    status, lines, _ = piped(wav.getvalue(), file, "-", "--hop", 0.25, "--smoothing", 0.3, "--json")
    stream = SceneStream(classifier, 0.25, 0.3, 48000, 2)
    expected = stream.push(sound(1.6, 48000, 2).astype(np.float32)) + stream.finish()
    assert status == 0 and len(lines) == len(expected) == 5
    for line, heard in zip(map(json.loads, lines), expected, strict=True):
        assert (line["seconds"], line["scene"], line["confidence"]) == (heard.seconds, heard.scene, heard.confidence)
        assert list(line["probabilities"].values()) == heard.probabilities.tolist()


def float_wav(samples, rate=16000):
    wav = io.BytesIO()
    soundfile.write(wav, samples, rate, format="WAV", subtype="FLOAT")
    return wav.getvalue()


def test_silence_is_called_silence(file, classifier, piped):
    assert piped(bytes(16000), file, "-")[1] == ["     0.5 s  silence"]
    cancelled = sound(0.5) * [[1, -1]]
    assert piped(float_wav(cancelled), file, "-")[1] == ["     0.5 s  silence"]
    (line,) = piped(float_wav(cancelled), file, "-", "--json")[1]
    nothing = dict.fromkeys(classifier.labels, 0.0)
    assert json.loads(line) == {"seconds": 0.5, "scene": "silence", "confidence": 0.0, "probabilities": nothing}


@pytest.mark.parametrize("value", [1e30, -3e38, np.nan, np.inf, 32767])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_samples_that_cannot_be_sound_are_said_and_no_later_window_suffers(file, piped, value, rate):
    samples, place, arguments = sound(4, rate), round(1.2 * rate), ("-", "--hop", 0.5, "--smoothing", 1, "--json")
    samples[place] = value
    status, lines, err = piped(float_wav(samples, rate), file, *arguments)
    (said,) = [line for line in err.splitlines() if "cannot be sound" in line]
    assert status == 0 and f"sample {place} is {value:g}" in said and "after 1.2 s" in said
    heard = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [round(line["seconds"], 1) for line in heard] == [0.5, 1.0, 1.7, 2.2, 2.7, 3.2, 3.7]
    clean = piped(
        float_wav(samples[round(1.2 * rate) + 1 :], rate), file, "-", "--hop", 0.5, "--smoothing", 1, "--json"
    )
    for line, expected in zip(heard[2:], map(json.loads, clean[1]), strict=True):
        assert line["probabilities"] == expected["probabilities"]


def test_a_stream_of_nothing_but_damage_is_one_word_and_an_error(file, piped):
    status, lines, err = piped(float_wav(np.full(40_000, np.nan)), file, "-")
    assert (status, lines, err.count("cannot be sound")) == (1, [], 1)
    assert err.splitlines()[-1] == "asc-tf: the stream ended after 2.5 s, before its first window of 0.5 s"


def test_a_low_rate_is_remarked_upon(file, piped):
    assert "has only up to 4000 Hz" in piped(raw(2), file, "-", "--rate", 8000)[2]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (raw(0.4), ["-"], "the stream ended after 0.4 s, before its first window of 0.5 s"),
        (b"", ["-"], "standard input: ended before a sample came"),
        (b"", ["-", "--hop", 0], "--hop 0.0: expected a value from 0.001 to"),
        (b"", ["-", "--smoothing", 2], "--smoothing 2.0: expected a value from 0.001 to 1"),
        (b"", ["-", "--rate", 3], "a sample rate of 3 Hz"),
        (b"", ["-", "--rate", 0], "a sample rate of 0 Hz"),
        (b"", ["--rate", 8000], "--rate 8000: is for raw samples"),
    ],
)
def test_mistakes_get_one_sentence(file, piped, content, arguments, message):
    status, lines, err = piped(content, file, *arguments)
    assert status == 1 and not lines
    assert err.splitlines()[-1].startswith("asc-tf: ") and message in err.splitlines()[-1]


def test_a_scene_is_printed_as_soon_as_its_window_is_full_and_ctrl_c_ends_it(file):
    with start(file, "-") as process:
        process.stdin.write(raw(0.5))
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"     0.5 s  ")  # while the pipe is open
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert b"Traceback" not in process.stderr.read()


def test_a_reader_that_goes_away_ends_it_without_a_traceback(file):
    with start(file, "-", "--hop", 0.01) as process:
        process.stdout.close()
        try:
            process.stdin.write(raw(3))
            process.stdin.close()
        except BrokenPipeError:
            process.stdin = None
        assert process.wait(20) == 1
        assert b"Traceback" not in process.stderr.read()


class MadeUpMicrophone:
    """As much of sounddevice as is used: a device of 44.1 kHz that drops samples once, then is unplugged."""

    class PortAudioError(Exception):
        pass

    def check_input_settings(self, channels, samplerate, dtype):
        if samplerate != 44100:
            raise self.PortAudioError("Invalid sample rate")

    def query_devices(self, kind):
        return {"default_samplerate": 44100.0}

    def InputStream(self, samplerate, channels, dtype):
        self.left = sound(0.7, 44100).astype(np.float32)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def read(self, count):
        samples, self.left = self.left[:count], self.left[count:]
        if not len(samples):
            raise self.PortAudioError("Device unavailable")
        return samples, 0 < len(self.left) <= count


def test_a_microphone_is_opened_at_its_own_rate_and_its_losses_are_reported(file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", MadeUpMicrophone())
    assert main(["listen", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("     0.5 s  ") and len(out.splitlines()) == 1
    assert "the microphone, 44100 Hz" in err and "the microphone dropped samples after 0.6 s" in err
    assert "asc-tf: the microphone: failed (Device unavailable)" in err


def test_without_sounddevice_the_ways_out_are_named(file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["listen", str(file)]) == 1
    err = capsys.readouterr().err
    assert "pip install 'asc-tf[listen]'" in err and "arecord -f S16_LE -r 16000 -c 1 -t raw" in err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_terminal_in_place_of_a_pipe_is_refused(file):
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "asc_tf", "listen", str(file), "-"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=60)
    os.close(ours), os.close(theirs)
    assert done.returncode == 1 and "standard input is a terminal" in done.stderr


def test_the_command_starts_fast_enough_to_be_piped_into(file):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "asc_tf", "listen", str(file), "-"], input=raw(0.5), capture_output=True
    )
    assert done.returncode == 0 and time.monotonic() - began < 10
