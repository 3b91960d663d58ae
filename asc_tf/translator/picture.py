"""A picture of translations, as Figure 1 of the QTI report."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from asc_tf.atomic import whole_file
from asc_tf.translator.distance import DB


def write_translation_picture(path, source, examples, hop_ms):
    """Draw log-mel spectrograms: a column for each target device; rows: real source, translated, real target.

    Args:
        path: of the PNG file.
        source: name of the source device.
        examples: {target device: (name of the clip, features [3, frequency, time] in the order of the rows)}.
        hop_ms: step from frame to frame.

    Raises:
        AscError: the file cannot be written.
    """
    figure = Figure(figsize=(2.7 * len(examples) + 1.2, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, len(examples), sharex=True, sharey=True, squeeze=False)
    values = DB * np.concatenate([features.ravel() for _, features in examples.values()])
    low, high = np.percentile(values, [1, 99.8])
    for column, (device, (name, features)) in zip(axes.T, examples.items(), strict=True):
        titles = (f"{name}\nreal {source}", f"translated {source} to {device}", f"real {device}")
        for axis, spectrogram, title in zip(column, features, titles, strict=True):
            bins, frames = spectrogram.shape
            image = axis.imshow(
                DB * spectrogram, origin="lower", aspect="auto", interpolation="nearest", cmap="magma",
                vmin=low, vmax=high, extent=(0, frames * hop_ms / 1000, 0, bins),
            )  # fmt: skip
            axis.set_title(title, fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel("mel bin")
    for axis in axes[-1]:
        axis.set_xlabel("s")
    figure.colorbar(image, ax=axes, label="dB", fraction=0.03, pad=0.01)
    with whole_file(path) as part:
        figure.savefig(part, dpi=110, format="png")
