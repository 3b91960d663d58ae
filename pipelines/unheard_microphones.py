"""The value of Residual Normalization on microphones that training does not hear.

Kim et al., DCASE Workshop 2021, table 3: 58.9 % without normalization, 67.1 % with it at the input, 65.8 % with it at
the input and after every stage, on TAU 2020 Mobile. The same three networks on any data set in the TAU layout, seen
against unseen devices.

    python pipelines/unheard_microphones.py ROOT OUT [EPOCHS]

`asc-tf bench esc10` trains more rows, over seeds.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd
import tf_keras as keras

import asc_tf

NORM_POSITIONS = {"no normalization": "none", "Pre-ResNorm": "input", "ResNorm": "all"}
BATCH_SIZE, PEAK_LEARNING_RATE = 32, 0.06


def main(root, out, epochs=60):
    # Data: labels and devices come from the metadata; no device of the test part is dropped.
    clips = asc_tf.read_clips(root)
    train, test = (clips[clips.split == part] for part in ("train", "test"))
    scenes, frontend, seconds = asc_tf.scenes_of(train), asc_tf.LogMel(), asc_tf.read_clip_seconds(root, train)
    x, x_test = (asc_tf.cached_features(root, part, frontend, seconds) for part in (train, test))
    y, y_test = (asc_tf.label_indices(part, scenes) for part in (train, test))
    mean, std = asc_tf.mean_and_std(x)
    shape = frontend.feature_shape(round(seconds * frontend.sample_rate_hz))
    steps = -(-len(train) // BATCH_SIZE)

    # Range compression of the spectrogram makes one microphone sound like many; time roll and mixup as in the papers.
    def augmented(batch, labels, seed):
        return asc_tf.augment_batch(
            batch, labels, seed, roll_frames=50, mixup_alpha=0.3, drc_ratio=5.0, drc_probability=0.6
        )

    rows = {}
    for name, position in NORM_POSITIONS.items():
        asc_tf.set_seed(0)
        model = asc_tf.bc_resnet_asc(shape, len(scenes), norm_position=position, feature_mean=mean, feature_std=std)
        rate = asc_tf.warmup_cosine(PEAK_LEARNING_RATE, steps, epochs, min(5, epochs - 1))
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        model.compile(asc_tf.SGDWithL2(rate), loss, metrics=["accuracy"])

        def batches(start_step):
            return asc_tf.training_batches(x, y, len(scenes), BATCH_SIZE, augment=augmented, start_step=start_step)

        folder = Path(out) / position
        asc_tf.resumable_fit(model, batches, steps, epochs, folder / "checkpoints")
        asc_tf.export_tflite(folder / "model.tflite", frontend, model, scenes, seconds)

        # Test: accuracy of each device, and the gap between seen and unseen devices.
        logits = model.predict(asc_tf.evaluation_batches(x_test, y_test, len(scenes)), verbose=0)
        predictions = asc_tf.predictions_frame(test, logits, scenes)
        rows[name] = asc_tf.device_metrics(predictions, asc_tf.devices_of(train)).accuracy
    print(pd.DataFrame(rows).T.round(1).to_string())


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
    except asc_tf.AscError as error:
        sys.exit(f"unheard_microphones: {error}")
