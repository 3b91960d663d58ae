"""The metadata file: what is known of a run is filled in, what only its authors know is left for them."""

from pathlib import Path

import yaml

from asc_tf.atomic import write_text
from asc_tf.complexity.rules import KB
from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError, unreadable
from asc_tf.submission.years import DEVICES

FILL_IN = "FILL IN"
_HEAD = "# Written by asc-tf submit for DCASE {year}. Replace each '{blank}'; numbers are written anew each time.\n"


class _Plain(yaml.SafeDumper):
    """Writes equal blocks twice, since readers of anchors are rare."""

    def ignore_aliases(self, data):
        return True


def complexity_numbers(account, form):
    """{field: number, or FILL_IN} of a `Year`'s system.complexity, from the account of the file that runs."""
    stored = [tensor for tensor in account.parameters() if tensor.kind != "statistic"]
    macs = account.macs_per_second()
    known = {
        "total_parameters": sum(tensor.count for tensor in stored),
        "total_parameters_non_zero": sum(tensor.nonzeros for tensor in stored),
        "model_size": round(sum(tensor.nonzero_bytes for tensor in stored) / KB, 2),
        "total_model_size": sum(tensor.bytes for tensor in stored),
        "macs": None if macs is None else int(macs),
        "memory_use": FILL_IN,
    }
    return {name: known[name] for name in form.complexity}


def results_block(devices, scenes):
    """overall, class_wise and device_wise from frames of `device_metrics` and `scene_metrics`, null where unknown."""

    def numbers(frame, name):
        if frame is None or name not in frame.index:
            return {"accuracy": None, "logloss": None}
        row = frame.loc[name]
        return {"accuracy": round(float(row.accuracy), 3), "logloss": round(float(row.log_loss), 4)}

    class_wise = {scene: numbers(scenes, scene) for scene in SCENES}
    overall = numbers(devices, "all")
    known = [block["accuracy"] for block in class_wise.values() if block["accuracy"] is not None]
    if known:
        overall["accuracy"] = round(sum(known) / len(known), 3)  # the mean over classes is asked for
    device_wise = {device: numbers(devices, device) for device in DEVICES}
    return {"overall": overall, "class_wise": class_wise, "device_wise": device_wise}


def write_meta(path, form, label, description, complexity, results):
    """Write or renew a metadata file; what its authors have filled in is kept.

    Args:
        path: of the file.
        form: a `Year`.
        label: of the submission.
        description: {field: value} that are known.
        complexity: of `complexity_numbers`.
        results: {block: of `results_block`}, for some of the year's blocks.
    """
    before = read_meta(path) if Path(path).is_file() else {}
    system = {name: None for name in form.system if name not in ("description", "complexity")}
    system["description"] = {name: description.get(name, FILL_IN) for name in form.description}
    system["complexity"] = complexity
    if "inference_code" in system:
        system["inference_code"] = FILL_IN
    affiliation = {"abbreviation": label.split("_")[1], "institute": FILL_IN, "location": FILL_IN}
    author = {"lastname": FILL_IN, "firstname": FILL_IN, "email": FILL_IN, "corresponding": True,
              "affiliation": affiliation}  # fmt: skip
    blocks = dict.fromkeys(form.results, results_block(None, None))
    development = blocks[""] if form.results == ("",) else blocks
    fresh = {
        "submission": {"label": label, "name": FILL_IN, "abbreviation": FILL_IN, "authors": [author]},
        "system": system,
        "results": {"development_dataset": development},
    }
    merged = _merged(fresh, before)
    merged["submission"]["label"] = label
    stated = merged["system"]["complexity"]
    merged["system"]["complexity"] = {
        name: stated.get(name, number) if number == FILL_IN and isinstance(stated, dict) else number
        for name, number in complexity.items()
    }
    for block, found in results.items():
        if block:
            merged["results"]["development_dataset"][block] = found
        else:
            merged["results"]["development_dataset"] = found
    text = yaml.dump(merged, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
    write_text(path, _HEAD.format(year=form.year, blank=FILL_IN) + text)


def read_meta(path):
    """The content of a metadata file. Raises an AscError for what is no YAML or no mapping."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error, "a metadata file of a submission") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise AscError(f"{path}: is no YAML ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(found, dict):
        raise AscError(f"{path}: holds {str(found)[:60]}; expected submission, system and results")
    return found


def _merged(fresh, before):
    """The fresh fields, with the values that were there before."""
    if not isinstance(fresh, dict) or not isinstance(before, dict):
        return before
    kept = {name: _merged(value, before[name]) if name in before else value for name, value in fresh.items()}
    return kept | {name: value for name, value in before.items() if name not in fresh}
