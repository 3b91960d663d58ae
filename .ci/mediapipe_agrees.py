"""MediaPipe's AudioClassifier gives a waveform file's probabilities as our runtime does.

    python .ci/mediapipe_agrees.py MODEL.tflite CLIP.wav [CLIP.wav ...]

Needs the extra `mediapipe`, which cannot be installed beside the extra `train` (they ask for different versions of
absl-py). The first window of each clip is compared at the file's rate, where both must agree to 1e-3, and at the clip's
own rate, where MediaPipe resamples: that difference is printed only.
"""

import sys

import numpy as np
import soundfile
from mediapipe.tasks.python import BaseOptions, audio
from mediapipe.tasks.python.components.containers import AudioData

from asc_tf.audio.waveform import load_waveform
from asc_tf.runtime import Classifier

BOUND = 1e-3


def differences(model, clips):
    """(at the file's rate, at the clip's) for each clip: the largest difference of a probability."""
    ours = Classifier(model)
    options = audio.AudioClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    with audio.AudioClassifier.create_from_options(options) as theirs:
        for clip in clips:
            window = load_waveform(clip, ours.sample_rate_hz)[: ours.samples]
            original, rate = soundfile.read(clip, dtype="float32", always_2d=True)
            original = original.mean(axis=1)[: round(ours.samples * rate / ours.sample_rate_hz)]
            yield tuple(
                difference(ours, ours.window_probabilities(window), theirs, samples, rate_hz)
                for samples, rate_hz in ((window, ours.sample_rate_hz), (original, rate))
            )


def difference(ours, expected, theirs, samples, rate_hz):
    first = theirs.classify(AudioData.create_from_array(samples, rate_hz))[0].classifications[0].categories
    found = {category.category_name: category.score for category in first}
    return float(np.max(np.abs(expected - [found[label] for label in ours.labels])))


def main(model, *clips):
    worst = 0.0
    for clip, (same_rate, own_rate) in zip(clips, differences(model, clips), strict=True):
        print(f"{clip}: {same_rate:.1e} at the file's rate, {own_rate:.1e} at the clip's")
        worst = max(worst, same_rate)
    if worst > BOUND:
        sys.exit(f"{model}: MediaPipe differs by {worst:.1e} in probability, expected at most {BOUND:g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
