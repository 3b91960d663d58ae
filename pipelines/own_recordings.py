"""Your own recordings: from a folder of scenes to a file that recognizes them.

    python pipelines/own_recordings.py RECORDINGS OUT [EPOCHS] [SECONDS]

RECORDINGS holds a folder for each scene, with at least three audio files of any length and format. Clips last SECONDS
(10). `asc-tf data make`, `train` and `export` do the same and more.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras

import asc_tf
from asc_tf.runtime import Classifier

BATCH_SIZE = 32


def main(recordings, out, epochs=100, seconds=10.0):
    asc_tf.set_seed(0)
    root = Path(out) / "data"

    # Clips of one length; a fifth of the recordings of each scene is the test part, and no recording is on both sides.
    found, unreadable = asc_tf.find_recordings(recordings)
    plan = asc_tf.plan_clips(found, clip_seconds=seconds)
    print(asc_tf.plan_table(plan), *unreadable, sep="\n")
    asc_tf.write_own_set(plan, root)

    # Features, and the order of the scenes.
    clips = asc_tf.read_clips(root)
    train, test = (clips[clips.split == part] for part in ("train", "test"))
    scenes, frontend = asc_tf.scenes_of(train), asc_tf.LogMel()
    x, x_test = (asc_tf.cached_features(root, part, frontend, seconds) for part in (train, test))
    y, y_test = (asc_tf.label_indices(part, scenes) for part in (train, test))

    # A network of 8,000 parameters; Residual Normalization removes the microphone's colouring.
    mean, std = asc_tf.mean_and_std(x)
    shape = frontend.feature_shape(round(seconds * frontend.sample_rate_hz))
    model = asc_tf.bc_resnet_asc(shape, len(scenes), norm_position="input", feature_mean=mean, feature_std=std)
    steps = -(-len(train) // BATCH_SIZE)
    rate = asc_tf.warmup_cosine(0.06, steps, epochs, min(5, epochs - 1))
    model.compile(asc_tf.SGDWithL2(rate), keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"])

    def augmented(batch, labels, seed):
        return asc_tf.augment_batch(batch, labels, seed, roll_frames=shape[1] // 8, mixup_alpha=0.3)

    def batches(start_step):
        return asc_tf.training_batches(x, y, len(scenes), BATCH_SIZE, augment=augmented, start_step=start_step)

    asc_tf.resumable_fit(model, batches, steps, epochs, Path(out) / "checkpoints")

    # The test part, device by device; a file of 8-bit numbers; its answer for one recording.
    logits = model.predict(asc_tf.evaluation_batches(x_test, y_test, len(scenes)), verbose=0)
    print(asc_tf.device_metrics(asc_tf.predictions_frame(test, logits, scenes), asc_tf.devices_of(train)).round(3))
    path = Path(out) / "model.tflite"
    asc_tf.export_tflite(path, frontend, model, scenes, seconds)
    classifier = Classifier(path)
    heard = dict(zip(classifier.labels, classifier.classify_file(found[0].path), strict=True))
    print(f"{found[0].path}: {max(heard, key=heard.get)} {100 * max(heard.values()):.0f} %")
    print(f"wrote {path}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4, 5):
        sys.exit(__doc__)
    numbers = [kind(text) for kind, text in zip((int, float), sys.argv[3:], strict=False)]
    try:
        main(*sys.argv[1:3], *numbers)
    except asc_tf.AscError as error:
        sys.exit(f"own_recordings: {error}")
