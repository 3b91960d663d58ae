"""A BC-ResNet-ASC-8 of 314,970 parameters becomes 61 KB: pruned, in 8 bits, in half precision, with a teacher's help.

Kim et al., DCASE Workshop 2021, section 3.3, table 4: 89 % of the convolutions' weights pruned, kernels in 8 bits, the
rest in 16: 61.0 KB for a loss of one point.

    python pipelines/compress_to_61_kb.py ROOT OUT [EPOCHS] [WIDTH]

`asc-tf compress` does the same and more: it continues after an interruption and measures every step.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras

import asc_tf

BATCH_SIZE, PEAK_LEARNING_RATE, SHARE_PRUNED = 32, 0.06, 0.89


def main(root, out, epochs=60, width=80):
    asc_tf.set_seed(0)
    clips = asc_tf.read_clips(root)
    train, test = (clips[clips.split == part] for part in ("train", "test"))
    scenes, frontend, seconds = asc_tf.scenes_of(train), asc_tf.LogMel(), asc_tf.read_clip_seconds(root, train)
    x, x_test = (asc_tf.cached_features(root, part, frontend, seconds) for part in (train, test))
    y, y_test = (asc_tf.label_indices(part, scenes) for part in (train, test))
    steps = -(-len(train) // BATCH_SIZE)

    def augmented(batch, labels, seed):
        return asc_tf.augment_batch(batch, labels, seed, roll_frames=50, mixup_alpha=0.3)

    def train_on(model, share, name):
        """Train by SGD, with `share` of the learning rate."""
        rate = asc_tf.warmup_cosine(share * PEAK_LEARNING_RATE, steps, epochs, min(5, epochs - 1))
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        model.compile(asc_tf.SGDWithL2(rate), loss, metrics=["accuracy"])
        batches = asc_tf.training_batches(x, y, len(scenes), BATCH_SIZE, augment=augmented)
        model.fit(batches, steps_per_epoch=steps, epochs=epochs, verbose=0)
        print(f"{name}: trained")

    def show(model, name):
        logits = model.predict(asc_tf.evaluation_batches(x_test, y_test, len(scenes)), verbose=0)
        metrics = asc_tf.device_metrics(asc_tf.predictions_frame(test, logits, scenes), asc_tf.devices_of(train))
        print(f"{name}\n{metrics.round(3)}\n")

    # The large network is the teacher of its smaller selves.
    mean, std = asc_tf.mean_and_std(x)
    shape = frontend.feature_shape(round(seconds * frontend.sample_rate_hz))
    teacher = asc_tf.bc_resnet_asc(shape, len(scenes), width=width, feature_mean=mean, feature_std=std)
    train_on(teacher, 1.0, "uncompressed")
    show(teacher, "uncompressed")

    pruned = asc_tf.prune(teacher, SHARE_PRUNED)  # a copy, wrapped: the mask stays while it is trained
    train_on(asc_tf.DistilledModel(pruned, teacher), 1.0, "pruned")
    quantized = asc_tf.quantize(asc_tf.strip_pruning(pruned))  # kernels on a grid of 8 bits, zeros stay zeros
    train_on(asc_tf.DistilledModel(quantized, teacher), 0.1, "8 bits")
    small = asc_tf.strip_quantization(quantized)
    asc_tf.round_to_half(small)
    show(small, "compressed")
    account = asc_tf.keras_account(small)
    print(asc_tf.account_text(account))
    path = Path(out) / "model.tflite"
    asc_tf.export_tflite(path, frontend, small, scenes, seconds)
    print(f"wrote {path}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4, 5):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
    except asc_tf.AscError as error:
        sys.exit(f"compress_to_61_kb: {error}")
