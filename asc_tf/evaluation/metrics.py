"""Accuracy and log loss per device, per scene and over seen and unseen devices."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

SUMMARY = ("seen", "unseen", "all")  # rows of `device_metrics` behind those of the devices


def predictions_frame(clips: pd.DataFrame, logits: np.ndarray, scenes: Sequence[str]) -> pd.DataFrame:
    """One row per clip: clip_id, filename, device, scene, predicted, log_loss, and a column "p(scene)" for every scene.

    Args:
        clips: frame of `read_clips`; filename is the recording's, relative to the data set.
        logits: [clips, classes], in the frame's order.
        scenes: names of the classes.
    """
    logits = np.asarray(logits, np.float64)
    log_probability = logits - logits.max(axis=1, keepdims=True)
    log_probability -= np.log(np.exp(log_probability).sum(axis=1, keepdims=True))
    truth = clips.scene.map({scene: i for i, scene in enumerate(scenes)}).to_numpy()
    frame = clips[["clip_id", "filename", "device", "scene"]].reset_index(drop=True)
    frame["predicted"] = np.asarray(scenes)[logits.argmax(axis=1)]
    frame["log_loss"] = -log_probability[np.arange(len(truth)), truth]
    probabilities = pd.DataFrame(np.exp(log_probability), columns=[f"p({scene})" for scene in scenes])
    return pd.concat([frame, probabilities], axis=1)


def device_metrics(predictions: pd.DataFrame, seen_devices: Sequence[str]) -> pd.DataFrame:
    """Accuracy in percent and log loss, one row per device, then "seen", "unseen" and "all".

    Accuracy and log loss are means over clips. TAU's test part has the same number of clips of each device, so these
    means equal the papers' means over devices.

    Args:
        predictions: frame of `predictions_frame`.
        seen_devices: devices of the training clips; all others are unseen.

    Returns:
        Frame with columns accuracy, log_loss, clips; rows without clips are left out.
    """
    return _metrics(predictions, device_groups(predictions, seen_devices))


def device_groups(predictions, seen_devices):
    """{row of `device_metrics`: whether each clip belongs to it, bool [clips]}."""
    seen = predictions.device.isin(seen_devices)
    groups = {device: predictions.device == device for device in sorted(predictions.device.unique())}
    return groups | {"seen": seen, "unseen": ~seen, "all": seen | ~seen}


def device_gaps(metrics):
    """Difference of each device, and of the unseen ones together, from the mean of the seen ones.

    Args:
        metrics: frame of `device_metrics`.

    Returns:
        Frame with the same rows and columns accuracy_gap (percentage points) and log_loss_gap: the row's value minus
        that of "seen"; without columns if no device is a seen one.
    """
    if "seen" not in metrics.index:
        return metrics[[]]
    return (metrics - metrics.loc["seen"])[["accuracy", "log_loss"]].add_suffix("_gap")


def left_out_changes(seen, unseen, clips):
    """The loss of each device when training does not include it.

    Args:
        seen: frame of `device_metrics` of the network trained on all of the devices.
        unseen: {device: frame of `device_metrics` of the network trained without it}.
        clips: {device: number of training clips left out with it}.

    Returns:
        Frame with a row per device and a last row "mean", over the devices; columns clips_left_out (empty for the mean)
        and, for accuracy in percent and log_loss on the device's clips, NAME_seen, NAME_unseen and NAME_change.
    """
    rows = {}
    for device, metrics in unseen.items():
        rows[device] = {"clips_left_out": clips[device]}
        for name in ("accuracy", "log_loss"):
            before, then = seen[name][device], metrics[name][device]
            rows[device] |= {f"{name}_seen": before, f"{name}_unseen": then, f"{name}_change": then - before}
    table = pd.DataFrame.from_dict(rows, orient="index")
    mean = table.drop(columns="clips_left_out").mean().to_frame("mean").T
    return pd.concat([table, mean]).astype({"clips_left_out": "Int64"})


def device_changes(metrics):
    """Differences between a network's states and the first state, device by device.

    Args:
        metrics: {name of a state: frame of `device_metrics`}, all on the same clips.

    Returns:
        Frame with columns device ("seen", "unseen" and "all" among them), step, clips, accuracy, log_loss,
        accuracy_change, log_loss_change.
    """
    columns = ["accuracy", "log_loss"]
    first = next(iter(metrics.values()))
    frames = [
        frame.assign(step=step).join((frame[columns] - first[columns]).add_suffix("_change"))
        for step, frame in metrics.items()
    ]
    table = pd.concat(frames).rename_axis("device").reset_index()
    return table[["device", "step", "clips", *columns, *(f"{name}_change" for name in columns)]]


def scene_metrics(predictions):
    """As `device_metrics`, one row per scene: accuracy is the recall of the scene."""
    return _metrics(predictions, {scene: predictions.scene == scene for scene in sorted(predictions.scene.unique())})


def confusion_matrix(predictions: pd.DataFrame, scenes: Sequence[str]) -> pd.DataFrame:
    """Numbers of clips: true scenes in rows, predicted ones in columns, both in the order of `scenes`."""
    table = pd.crosstab(predictions.scene, predictions.predicted)
    return table.reindex(index=scenes, columns=scenes, fill_value=0).rename_axis(index="scene", columns="predicted")


def _metrics(predictions, groups):
    right = predictions.predicted == predictions.scene
    rows = {
        name: {
            "accuracy": 100 * right[chosen].mean(),
            "log_loss": predictions.log_loss[chosen].mean(),
            "clips": int(chosen.sum()),
        }
        for name, chosen in groups.items()
        if chosen.any()
    }
    return pd.DataFrame.from_dict(rows, orient="index")
