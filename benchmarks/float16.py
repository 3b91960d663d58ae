"""The loss of accuracy from features stored as float16: python benchmarks/float16.py RUN [RUN ...]

Predicts the test part of trained runs from features of the cache and from unrounded ones.
"""

import sys

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()

import numpy as np

from asc_tf.data.clips import read_clips
from asc_tf.data.loader import evaluation_batches, label_indices, mean_and_std
from asc_tf.data.stream import StreamedFeatures
from asc_tf.evaluation.metrics import predictions_frame
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run


class Unrounded(StreamedFeatures):
    """The frontend's unrounded features, float32."""

    dtype = np.dtype(np.float32)

    def transform(self, waveforms, rows, augment=None):
        return self.frontend(waveforms)[..., 0]


def main(runs):
    for run in runs:
        config, dataset = read_run(run)
        clips = read_clips(dataset.root)
        clips = clips[clips.split == "test"].reset_index(drop=True)
        labels = label_indices(clips, dataset.scenes)
        frontend, model = build_frontend(config), load_model(run)
        frames, statistics = {}, {}
        for kind in (StreamedFeatures, Unrounded):
            features = kind(dataset.root, clips, frontend, dataset.clip_seconds)
            logits = model.predict(evaluation_batches(features, labels, len(dataset.scenes)), verbose=0)
            frames[kind] = predictions_frame(clips, logits, dataset.scenes)
            statistics[kind] = mean_and_std(features)
        kept, exact = frames.values()
        print(f"{run}: {len(clips)} clips")
        for name, frame in (("float16", kept), ("float32", exact)):
            accuracy = 100 * (frame.predicted == frame.scene).mean()
            print(f"  {name}  accuracy {accuracy:.2f} %  log loss {frame.log_loss.mean():.5f}")
        columns = [name for name in kept if name.startswith("p(")]
        print(
            f"  decided otherwise: {(kept.predicted != exact.predicted).sum()} clips; "
            f"largest difference of a probability {np.abs(kept[columns] - exact[columns]).to_numpy().max():.4f}; "
            f"of the features' mean {abs(np.subtract(*statistics.values())[0]):.1e}"
        )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
