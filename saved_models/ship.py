"""Take a trained and exported run into the repository, and its file and model card into the package.

    python saved_models/ship.py RUN NAME

copies what is small of a run folder (settings, metrics, history, network, file) to saved_models/NAME, without the path
of its data set, writes the model card saved_models/NAME/README.md from saved_models/NAME/about.json and the run's
metrics, and puts model.tflite and the card into asc_tf/shipped/. The model has to be an 8-bit file below 100 KB.
"""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

from asc_tf.runtime.metadata import read_metadata

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "asc_tf" / "shipped"
RESULTS = ("metrics.json", "devices.csv", "scenes.csv", "confusion.csv")
LARGEST_BYTES = 100_000


def main(run, name):
    run, folder = Path(run), HERE / name
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    for file in ("history.csv", "model.tflite", *RESULTS, *(path.name for path in run.glob("*.keras"))):
        shutil.copyfile(run / file, folder / file)
    config, dataset = (json.loads((run / f"{file}.json").read_text(encoding="utf-8")) for file in ("config", "dataset"))
    results = f"model-on-{Path(dataset['root']).name}"
    (folder / results).mkdir(exist_ok=True)
    for file in RESULTS:
        shutil.copyfile(run / results / file, folder / results / file)
    # Paths of one machine become names.
    dataset["root"] = Path(dataset["root"]).name
    if teachers := config["distillation"]["teacher"]:
        config["distillation"]["teacher"] = [Path(teacher).name for teacher in teachers]
    for file, values in (("config", config), ("dataset", dataset)):
        (folder / f"{file}.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    content = (folder / "model.tflite").read_bytes()
    metadata = read_metadata(content, folder / "model.tflite")
    if metadata.format != "int8" or len(content) > LARGEST_BYTES:
        sys.exit(f"{folder / 'model.tflite'}: {metadata.format}, {len(content):,} bytes; expected int8, below 100 KB")
    card = card_text(name, about, folder / results, metadata, len(content))
    (folder / "README.md").write_text(card, encoding="utf-8")
    shutil.copyfile(folder / "model.tflite", PACKAGE / f"{name}.tflite")
    (PACKAGE / f"{name}.md").write_text(card, encoding="utf-8")


def card_text(name, about, results, metadata, size):
    """The model card: the YAML head that model hubs read, then what the model is, its accuracy and its limits."""
    devices = pd.read_csv(results / "devices.csv")
    head = {
        "license": about["license"],
        "library_name": "asc-tf",
        "pipeline_tag": "audio-classification",
        "tags": "[acoustic-scene-classification, tflite, int8]",
    }
    seconds = metadata.samples / metadata.sample_rate_hz
    parts = [
        "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + "---\n",
        f"# {name}\n",
        about["summary"] + "\n",
        f"It knows {', '.join(metadata.labels)}.\n",
        f"- network: {metadata.network}, 8-bit, {size:,} bytes\n"
        f"- hears: windows of {seconds:g} s at {metadata.sample_rate_hz} Hz\n"
        f"- trained on: {about['data']}\n- licence: {about['license_words']}\n",
        "## Accuracy of the 8-bit file on the test part\n",
        table(devices) + "\n",
        about["measured"] + "\n",
        "## Limits\n",
        about["limits"] + "\n",
        "## Made by\n",
        "".join(f"    {command}\n" for command in about["commands"]),
    ]
    return "\n".join(parts)


def table(devices):
    """Markdown: a row for each device and for the groups of them."""
    rows = ["| microphone | accuracy / % | log loss | clips |", "|---|---|---|---|"]
    for row in devices.itertuples():
        rows.append(f"| {row.device} | {row.accuracy:.1f} | {row.log_loss:.3f} | {row.clips} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
