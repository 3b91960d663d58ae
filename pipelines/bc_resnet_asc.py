"""BC-ResNet-ASC-1 with Pre-ResNorm on a data set in the TAU layout: from recordings to a .tflite file.

Kim et al., DCASE Workshop 2021, sections 2 and 3.1, table 3, "w/o ResNorm in Network": 67.1 ± 0.8 % on TAU 2020 Mobile.

    python pipelines/bc_resnet_asc.py TAU OUT [EPOCHS]

The same command continues an interrupted training. `asc-tf train --recipe bc-resnet-asc-1-pre-resnorm` does more.
"""

import sys
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()

import tf_keras as keras

import asc_tf

SEED, BATCH_SIZE, WARMUP_EPOCHS, PEAK_LEARNING_RATE = 0, 64, 5, 0.06
ROLL_SECONDS, MIXUP_ALPHA = 1.5, 0.3


def main(root, out, epochs=100):
    asc_tf.set_seed(SEED)

    # Data: the official split; a tenth of the training locations is held out for validation.
    clips = asc_tf.read_clips(root)
    train, test = (clips[clips.split == part].reset_index(drop=True) for part in ("train", "test"))
    held_out = asc_tf.hold_out_locations(train, 0.1, SEED)
    train, validation = train[~held_out], train[held_out]
    scenes = asc_tf.scenes_of(train)

    # Features: 16 kHz, 256 mel bins, window 130 ms, shift 30 ms.
    frontend = asc_tf.LogMel()
    seconds = asc_tf.read_clip_seconds(root, train)
    features = {}
    for name, part in (("train", train), ("validation", validation), ("test", test)):
        features[name] = asc_tf.cached_features(root, part, frontend, seconds), asc_tf.label_indices(part, scenes)

    # Network: c = 10, Residual Normalization at the input, lambda 0.1.
    mean, std = asc_tf.mean_and_std(features["train"][0])
    shape = frontend.feature_shape(round(seconds * frontend.sample_rate_hz))
    model = asc_tf.bc_resnet_asc(
        shape, len(scenes), width=10, norm_position="input", lambda_=0.1, feature_mean=mean, feature_std=std
    )

    # Training: SGD, momentum 0.9, L2 0.001, warm-up and cosine; time roll and mixup.
    steps = -(-len(train) // BATCH_SIZE)
    rate = asc_tf.warmup_cosine(PEAK_LEARNING_RATE, steps, epochs, min(WARMUP_EPOCHS, epochs - 1))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(asc_tf.SGDWithL2(rate, momentum=0.9, l2=0.001), loss, metrics=["accuracy"])

    def augmented(batch, labels, seed):
        roll_frames = round(ROLL_SECONDS * 1000 / frontend.hop_ms)
        return asc_tf.augment_batch(batch, labels, seed, roll_frames=roll_frames, mixup_alpha=MIXUP_ALPHA)

    def batches(start_step):
        return asc_tf.training_batches(
            *features["train"], len(scenes), BATCH_SIZE, SEED, augment=augmented, start_step=start_step
        )

    validation_batches = asc_tf.evaluation_batches(*features["validation"], len(scenes))
    asc_tf.resumable_fit(model, batches, steps, epochs, Path(out) / "checkpoints", validation_batches)

    # Test, once; then out to a device.
    logits = model.predict(asc_tf.evaluation_batches(*features["test"], len(scenes)), verbose=0)
    print(asc_tf.device_metrics(asc_tf.predictions_frame(test, logits, scenes), asc_tf.devices_of(train)).round(3))
    asc_tf.export_tflite(Path(out) / "model.tflite", frontend, model, scenes, seconds)
    print(f"wrote {Path(out) / 'model.tflite'}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
    except asc_tf.AscError as error:
        sys.exit(f"bc_resnet_asc: {error}")
