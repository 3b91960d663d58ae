"""The clips that were wrong: what was heard and what the network saw of it, to stand in a page."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asc_tf.audio.waveform import load_waveform
from asc_tf.data.clips import read_clips
from asc_tf.errors import AscError
from asc_tf.evidence.series import shown_range
from asc_tf.experiment.build import build_frontend
from asc_tf.runtime.frontend import numpy_frontend

EMBEDDED_BYTES = 8_000_000
"""Sound and pictures in a page at the most; clips beyond are named by their paths."""
_WIDTH, _HEIGHT, _DPI = 3.6, 1.5, 110
_GREY = "#8a8a8a"  # is read on white and on black


@dataclass(frozen=True)
class WrongClip:
    """A clip whose scene was not predicted.

    Args:
        clip_id, device, scene, predicted, log_loss: of `predictions_frame`.
        confidence, given_to_scene: probabilities of the predicted and of the true scene.
        path: of the recording.
        sound, picture: data URIs of a FLAC and a PNG file; "" beyond the limit, or where the recording is not there.
        problem: why there are none.
    """

    clip_id: str
    device: str
    scene: str
    predicted: str
    log_loss: float
    confidence: float
    given_to_scene: float
    path: str
    sound: str = ""
    picture: str = ""
    problem: str = ""


def wrong_clips(findings, limit=EMBEDDED_BYTES):
    """`WrongClip` of all clips of a run that were wrong, worst first; the first ones with sound and picture.

    Args:
        findings: an `Findings`.
        limit: bytes of the page for sounds and pictures.
    """
    names, problem = _recordings(findings.dataset.root)
    frontend = numpy_frontend(build_frontend(findings.config))
    rate = findings.config.frontend.sample_rate_hz
    clips, left = [], limit
    for row in findings.wrong.to_dict("records"):
        name = names.get(row["clip_id"], str(row.get("filename", row["clip_id"])))
        told = {key: row[key] for key in ("clip_id", "device", "scene", "predicted", "log_loss")}
        told["confidence"], told["given_to_scene"] = (row[f"p({row[key]})"] for key in ("predicted", "scene"))
        path, heard = str(Path(findings.dataset.root) / name), ("", "", problem)
        if left > 0 and not problem:
            heard = _heard(path, rate, frontend)
            left -= len(heard[0]) + len(heard[1])
            if left < 0:
                heard = "", "", ""
        clips.append(WrongClip(**told, path=path, sound=heard[0], picture=heard[1], problem=heard[2]))
    return clips


def _recordings(root):
    """({clip_id: filename, checked}, why there are none)."""
    try:
        clips = read_clips(root)
    except AscError as error:
        return {}, str(error)
    return dict(zip(clips.clip_id, clips.filename, strict=True)), ""


def _heard(path, sample_rate_hz, frontend):
    """(FLAC, PNG, problem) of a recording: what the network hears, mono at its sample rate, and gets."""
    try:
        waveform = load_waveform(path, sample_rate_hz)
    except AscError as error:
        return "", "", str(error)
    sound = io.BytesIO()
    soundfile.write(sound, waveform.clip(-1, 1), sample_rate_hz, format="FLAC", subtype="PCM_16")
    picture = features_png(frontend(waveform)[:, :, 0], frontend)
    return data_uri("audio/flac", sound.getvalue()), data_uri("image/png", picture), ""


def data_uri(media_type, content):
    """The bytes of a file as an address that holds them."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def features_png(features, frontend):
    """A PNG file of a clip's features, without a background.

    Args:
        features: [frequency, time], as the network gets them.
        frontend: the NumPy frontend that made them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bins, frames = features.shape
    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained", facecolor="none")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    low, high = shown_range(features, frontend.decibels_per_unit)
    axis.imshow(features, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=high, interpolation="nearest",
                extent=(0, frames * frontend.hop_seconds, 0, bins))  # fmt: skip
    places = np.linspace(0, bins - 1, 4).round().astype(int)
    axis.set_yticks(places + 0.5, [f"{hertz / 1000:.1f}" for hertz in frontend.edges_hz[1:-1][places]])
    axis.set_xlabel("time (s)", color=_GREY, fontsize=7, labelpad=1)
    axis.set_ylabel("kHz (mel)", color=_GREY, fontsize=7)
    axis.tick_params(colors=_GREY, labelsize=7, length=2)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
