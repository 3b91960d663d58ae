"""A file whose end is missing is refused in every format, and a whole one is not."""

import os
import random

import numpy as np
import pytest
import soundfile

from asc_tf.audio import AudioFile, load_waveform
from asc_tf.errors import AscError

RATE_HZ = 16000
READ = {
    "WAV": ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"),
    "WAVEX": ("PCM_16", "PCM_24", "FLOAT"),
    "RF64": ("PCM_16", "PCM_24", "FLOAT", "ULAW"),
    "W64": ("PCM_16", "PCM_24", "FLOAT", "ULAW"),
    "AIFF": ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW"),
    "AU": ("PCM_16", "PCM_24", "FLOAT", "ULAW", "G721_32"),
    "CAF": ("PCM_16", "PCM_24", "FLOAT", "ALAC_16", "ALAC_24"),
    "FLAC": ("PCM_16", "PCM_24"),
    "OGG": ("VORBIS", "OPUS"),
    "MP3": ("MPEG_LAYER_III",),
    "NIST": ("PCM_16", "PCM_24", "ULAW"),
    "VOC": ("PCM_16", "PCM_U8"),
    "SVX": ("PCM_16",),
    "HTK": ("PCM_16",),
    "WVE": ("ALAW",),
}  # fmt: skip
WITHOUT_A_LENGTH = {"IRCAM": "PCM_16", "PAF": "PCM_16", "PVF": "PCM_16", "AVR": "PCM_16", "MAT4": "PCM_16",
                    "MAT5": "PCM_16", "MPC2K": "PCM_16", "SDS": "PCM_16", "XI": "DPCM_16"}  # fmt: skip
FORMATS = [(file_format, subtype) for file_format, subtypes in READ.items() for subtype in subtypes]


def noise(samples=20_000, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def written(path, file_format, subtype, samples=None):
    """The bytes of a whole file."""
    rate = 8000 if subtype == "GSM610" or file_format == "WVE" else RATE_HZ
    soundfile.write(path, noise() if samples is None else samples, rate, format=file_format, subtype=subtype)
    return path.read_bytes()


def samples_of(path, content):
    """The samples, or None if the file is refused in a sentence that names it."""
    path.write_bytes(content)
    try:
        with AudioFile(path) as file:
            return np.concatenate([block.copy() for block in file])
    except AscError as error:
        assert str(error).startswith(f"{path}: ") and str(error).isprintable(), error
        return None


@pytest.mark.parametrize(("file_format", "subtype"), FORMATS)
def test_a_whole_file_is_read_and_a_cut_one_refused(tmp_path, file_format, subtype):
    path = tmp_path / "clip"
    content = written(path, file_format, subtype)
    whole = samples_of(path, content)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_allclose(whole, expected, rtol=0, atol=2e-7 if file_format == "MP3" else 0)
    generator = random.Random(0)
    lengths = [len(content) // 2, *generator.sample(range(1, len(content) - 64), 20)]
    for length in lengths:
        assert samples_of(path, content[:length]) is None, length
    for length in range(len(content) - 24, len(content)):  # what stands at the very end may be no sound
        samples = samples_of(path, content[:length])
        assert samples is None or len(samples) == len(whole), length


@pytest.mark.parametrize(("file_format", "subtype"), WITHOUT_A_LENGTH.items())
def test_formats_that_do_not_tell_where_their_end_is_are_refused(tmp_path, file_format, subtype):
    path = tmp_path / "clip"
    content = written(path, file_format, subtype)
    for length in (len(content), len(content) // 2):
        path.write_bytes(content[:length])
        with pytest.raises(AscError, match=f"^{path}: (has the format |cannot be decoded as audio)"):
            load_waveform(path, RATE_HZ)


def test_an_sd2_file_is_refused(tmp_path):
    """Its header is in a file of its own beside it."""
    written(tmp_path / "clip.sd2", "SD2", "PCM_16")
    with pytest.raises(AscError, match="has the format SD2, whose end may be missing unseen"):
        load_waveform(tmp_path / "clip.sd2", RATE_HZ)


@pytest.mark.parametrize(("file_format", "subtype"), [kind for kind in FORMATS if kind[0] not in ("WAV", "WAVEX")])
def test_flipped_bits_are_refused_or_leave_the_length_as_it_is(tmp_path, file_format, subtype):
    path = tmp_path / "clip"
    content = written(path, file_format, subtype, noise(3000))
    whole, generator = samples_of(path, content), random.Random(0)
    for _ in range(30):
        damaged = bytearray(content)
        place = generator.randrange(len(content) // 2, len(content))
        damaged[place] ^= 1 << generator.randrange(8)
        samples = samples_of(path, bytes(damaged))
        assert samples is None or len(samples) == len(whole), place


# Ogg


def pages(content):
    """Where the pages of an Ogg file begin."""
    starts, position = [], 0
    while position < len(content):
        starts.append(position)
        segments = content[position + 26]
        position += 27 + segments + sum(content[position + 27 : position + 27 + segments])
    return starts


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_that_ends_with_another_page_than_its_last_is_refused(tmp_path, subtype):
    path = tmp_path / "clip"
    content = written(path, "OGG", subtype, noise(160_000))
    starts = pages(content)
    assert len(starts) > 5
    for start in starts[1:]:
        path.write_bytes(content[:start])
        with pytest.raises(AscError, match=f"truncated or damaged, no page of the Ogg stream begins at byte {start}"):
            load_waveform(path, RATE_HZ)
    for place, (start, end) in enumerate(zip(starts[1:-1], starts[2:], strict=True), 1):
        path.write_bytes(content[:start] + content[end:])
        with pytest.raises(AscError, match=f"damaged, page {place} of the Ogg stream is missing before byte {start}"):
            load_waveform(path, RATE_HZ)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_of_several_ogg_streams_none_is_left_out_without_a_word(tmp_path, subtype):
    path = tmp_path / "clip"
    first, second = (written(path, "OGG", subtype, noise(seed=seed)) for seed in (0, 1))
    path.write_bytes(first + second)
    with pytest.raises(AscError, match="holds several Ogg streams one after the other; expected one"):
        load_waveform(path, RATE_HZ)


def test_a_damaged_last_page_is_noticed_wherever_the_damage_is(tmp_path):
    path = tmp_path / "clip"
    content = written(path, "OGG", "VORBIS")
    for place in range(pages(content)[-1], len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        assert samples_of(path, bytes(damaged)) is None, place


# MP3


DECODER_DELAY = 529  # samples that come out of an MP3 decoder before the first one


def frames_of(content):
    """Where the frames of an MPEG-1 layer III file begin, and its end."""
    rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    starts, position = [], 0
    while position < len(content):
        starts.append(position)
        head = content[position : position + 4]
        position += 144_000 * rates[head[2] >> 4] // 44100 + (head[2] >> 1 & 1)
    return [*starts, position]


@pytest.fixture(params=["CONSTANT", "VARIABLE"])
def mp3(request, tmp_path):
    """(Path, bytes of an MP3 file with a Xing header whose frames differ in length where they may)."""
    path = tmp_path / "clip.mp3"
    samples = np.concatenate([np.zeros(60_000), noise(60_000), np.zeros(20_000)])
    soundfile.write(path, samples, 44100, format="MP3", bitrate_mode=request.param, compression_level=0.3)
    return path, path.read_bytes()


def length_of(path, content):
    samples = samples_of(path, content)
    return None if samples is None else len(samples)


@pytest.mark.parametrize("tag", [b"", b"TAG" + bytes(125), bytes(500)], ids=["", "ID3v1", "zeros"])
@pytest.mark.parametrize("head", [b"", b"ID3\3\0\0\0\0\1\0" + bytes(128)], ids=["", "ID3v2"])
def test_a_whole_mp3_file_without_a_xing_header_is_read_to_its_last_frame(mp3, head, tag):
    path, content = mp3
    starts = frames_of(content)
    assert starts[-1] == len(content) and b"Info" in content[:60] or b"Xing" in content[:60]
    assert length_of(path, head + content + tag) == 140_000
    assert length_of(path, head + content[starts[1] :] + tag) == 1152 * (len(starts) - 2) - DECODER_DELAY


def test_an_mp3_file_that_is_cut_inside_a_frame_is_refused_with_and_without_a_xing_header(mp3):
    path, content = mp3
    starts, generator = frames_of(content), random.Random(0)
    for first in (0, starts[1]):
        for length in generator.sample(range(2000, len(content)), 30):
            if length not in starts:
                assert length_of(path, content[first:length]) is None, length
    for end in starts[5:-1]:
        assert length_of(path, content[:end]) is None, "the Xing header promises more frames"


def test_mp3_files_one_behind_the_other_are_read_to_the_end(mp3):
    path, content = mp3
    frames = len(frames_of(content)) - 2
    assert length_of(path, content + content) == 1152 * (2 * frames + 1) - DECODER_DELAY


def test_an_mp3_file_with_a_hole_is_refused(mp3):
    path, content = mp3
    start = frames_of(content)[20]
    path.write_bytes(content[:start] + bytes(1000) + content[start + 1000 :])
    with pytest.raises(AscError, match=f"damaged, no MP3 frame begins at byte {start}$"):
        load_waveform(path, RATE_HZ)


def test_frames_without_a_length_are_refused(tmp_path):
    path = tmp_path / "clip.mp3"
    path.write_bytes(b"\xff\xfb\x00\xc4" + bytes(2000))
    with pytest.raises(AscError, match=r"cannot be decoded as audio \(no MP3 frame begins at byte 0\)"):
        load_waveform(path, RATE_HZ)


# Others


def test_an_au_file_of_unknown_length_is_read_to_its_end(tmp_path):
    path = tmp_path / "clip.au"
    content = written(path, "AU", "PCM_16")
    expected = samples_of(path, content)
    np.testing.assert_array_equal(samples_of(path, content[:8] + b"\xff" * 4 + content[12:]), expected)


def test_a_nist_header_without_a_count_is_refused(tmp_path):
    path = tmp_path / "clip.nist"
    content = written(path, "NIST", "PCM_16")
    path.write_bytes(content.replace(b"sample_count", b"sample_clown"))
    with pytest.raises(AscError, match="has a damaged NIST header; expected sample_count, channel_count"):
        load_waveform(path, RATE_HZ)


def test_a_file_that_shrinks_while_libsndfile_reads_it_is_refused(tmp_path):
    path = tmp_path / "clip.aiff"
    written(path, "AIFF", "PCM_16", noise(200_000))
    with AudioFile(path) as file, pytest.raises(AscError, match=f"^{path}: truncated, [0-9]+ of 200000 samples"):
        os.truncate(path, 100_000)
        list(file)
