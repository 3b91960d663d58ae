"""The file for recordings of one device, where a run has a network for each."""

from pathlib import Path

from asc_tf.data.names import label_problem, shown
from asc_tf.errors import AscError


def path_of_device(path, device):
    """Where `asc-tf export` writes the network of a device, beside the general one: model-a.tflite, model.tflite."""
    path = Path(path)
    return path.with_name(f"{path.stem}-{device}{path.suffix}")


def file_of_device(path, device, report):
    """The file for a device: its own where there is one, else the general one.

    Args:
        path: of the general network's file.
        device: name.
        report: called with a line if the device has no own file.

    Raises:
        AscError: no possible name of a device, no networks of devices beside the file, or one that is not exported.
    """
    if problem := label_problem(device):
        raise AscError(f"--device {shown(device)}: {problem}")
    own = path_of_device(path, device)
    if own.is_file():
        return own
    if (path.parent / "devices" / f"{device}.keras").is_file():
        raise AscError(f"{own}: no such file; export the networks of the devices: asc-tf export {path.parent}")
    prefix = f"{path.stem}-"
    known = sorted(
        each.stem.removeprefix(prefix) for each in path.parent.glob(f"*{path.suffix}") if each.stem.startswith(prefix)
    )
    if not known:
        raise AscError(
            f"--device {device}: there is no network of a device beside {path}; expected a file that 'asc-tf export' "
            "wrote of a run of 'asc-tf finetune --per-device'"
        )
    report(f"device {device} has no network of its own, as {', '.join(known)} have: the general one answers")
    return path


def report_general_network(path, report):
    """Report that the general network answers, if `path` is its file in a run that has networks of devices.

    Args:
        path: of the file.
        report: called with the line.
    """
    path = Path(path)
    devices = sorted(each.stem for each in (path.parent / "devices").glob("*.keras"))
    if not devices or any(path.stem.endswith(f"-{device}") for device in devices):
        return
    own = path_of_device(path, devices[0])
    report(
        f"{path}: the general network answers for all devices; networks of {', '.join(devices)} are files of "
        f"their own: name {own} for recordings of {devices[0]}"
    )
