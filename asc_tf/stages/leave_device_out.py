"""The cost of each device if training had not heard it."""

import dataclasses
from pathlib import Path

from asc_tf.atomic import exclusive
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import device_metrics, left_out_changes
from asc_tf.evaluation.report import left_out_table
from asc_tf.experiment.run_folder import read_run, write_csv
from asc_tf.experiment.trained_on import check_trained, trained_clips
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.preconditions import check_left_out_devices
from asc_tf.stages.training import train
from asc_tf.stages.training_data import split_clips

_FOLDER = "leave-device-out"


def evaluate_left_out_devices(run, report=print):
    """Train a run again without each of its devices in turn; return a table of the cost for the device as text.

    The run without a device is in the subfolder leave-device-out/DEVICE, with data.leave_out = DEVICE and otherwise the
    same settings, seed and validation locations. It is compared with the run itself on the device's test clips.
    Finished runs are read, interrupted ones continue. Writes leave-device-out.csv into the run folder.

    Leaving out a device also removes its clips and their steps from each epoch: for a device with most of the clips the
    difference is not only that of an unheard microphone. The table shows the number of clips. It omits devices without
    test clips, and devices without which a scene has no training clips. A teacher of distillation.recipe is trained
    without the device too.

    Args:
        run: folder of a trained run.
        report: called with lines for the user.

    Raises:
        AscError: not a trained run; a run made from another, trained on the test part, already without devices, or
            taught by runs that have heard the devices; or no device can be left out.
    """
    run = Path(run)
    read_run(run)
    with exclusive(run):
        return _evaluate_left_out_devices(run, report)


def runs_without_a_device(run):
    """{device: folder of the run trained without it}, as far as `evaluate_left_out_devices` has trained them."""
    folders = sorted((Path(run) / _FOLDER).glob("*/last.keras"))
    return {path.parent.name: path.parent for path in folders}


def _evaluate_left_out_devices(run, report):
    check_left_out_devices(run)
    config, dataset = read_run(run)
    check_trained(run, dataset, trained_clips(*split_clips(dataset.root, config)))
    seen = device_metrics(predict_test(run, report=report), dataset.seen_devices)
    clips = _clips_left_out(config, dataset, [*seen.index], report)
    if not clips:
        raise AscError(
            f"{run}: none of its devices ({', '.join(dataset.seen_devices)}) can be left out; expected one or more"
        )
    unseen = {}
    for number, device in enumerate(clips, start=1):
        report(f"without device {device} ({number} of {len(clips)})")
        folder = run / _FOLDER / device
        predictions = train(dataset.root, _without(config, device), folder, report)
        unseen[device] = device_metrics(predictions, read_run(folder)[1].seen_devices)
        accuracy = [f"{metrics.accuracy[device]:.1f} %" for metrics in (seen, unseen[device])]
        report(f"on device {device}: {accuracy[0]} with its clips in training, {accuracy[1]} without")
    changes = left_out_changes(seen, unseen, clips)
    write_csv(run / "leave-device-out.csv", changes.rename_axis("device").reset_index())
    return left_out_table(changes)


def _clips_left_out(config, dataset, tested, report):
    """{device: number of its training clips} for the devices that can be left out and are tested."""
    count, clips = len(split_clips(dataset.root, config)[1]), {}
    for device in dataset.seen_devices:
        if device not in tested:
            report(f"device {device} has no test clips: not left out")
            continue
        try:
            clips[device] = count - len(split_clips(dataset.root, _without(config, device))[1])
        except AscError as error:
            report(f"device {device} cannot be left out: {error}")
    return clips


def _without(config, device):
    return dataclasses.replace(config, data=dataclasses.replace(config.data, leave_out=(device,)))
