"""Commands to copy, shown by `asc-tf` alone and by every --help. A test parses each of them."""

START = (
    ("asc-tf predict AUDIO.wav", "hear one with the model of the package"),
    ("asc-tf data make RECORDINGS --out DATA", "a folder for each scene; or: asc-tf data synth DATA"),
    ("asc-tf train --data DATA --run RUN", "train and measure; it says what is next"),
)
EXAMPLES = {
    "data": ("asc-tf data make recordings --out DATA", "asc-tf data check DATA"),
    "data check": ("asc-tf data check TAU", "asc-tf data check TAU --metadata-only"),
    "data download": ("asc-tf data download tau2020 TAU", "asc-tf data download esc10 ESC10"),
    "data make": (
        "asc-tf data make recordings --out DATA --dry-run",
        "asc-tf data make recordings --out DATA --folders scene/device --seconds 5",
        "asc-tf data make table.csv --out DATA",
    ),
    "data devices": ("asc-tf data devices ESC10 --responses MicIRP --out MOBILE",),
    "data synth": ("asc-tf data synth DATA", "asc-tf data synth DATA --clips 100 --seed 1"),
    "features": ("asc-tf features DATA", "asc-tf features DATA --frontend tau2022 --workers 4"),
    "train": (
        "asc-tf train --data DATA --run RUN",
        "asc-tf train --data DATA --run RUN --recipe bc-resnet-asc-8-resnorm --set train.epochs=60",
        "asc-tf train --data DATA --run RUN --teacher RUN1 logits.csv",
        "asc-tf train --resume RUN",
    ),
    "launch": ("asc-tf launch --workers 2 train --data DATA --run RUN",),
    "evaluate": (
        "asc-tf evaluate RUN",
        "asc-tf evaluate RUN --seeds 3",
        "asc-tf evaluate RUN --data OTHER",
        "asc-tf evaluate RUN/model.tflite",
    ),
    "report": ("asc-tf report RUN", "asc-tf report RUN RUN1 RUN2 --out report.html",
               "asc-tf report RUN --figure tsne"),
    "finetune": (
        "asc-tf finetune RUN --out TUNED",
        "asc-tf finetune RUN --out TUNED --set finetune.max_drop_rate=0.99",
        "asc-tf finetune RUN --out DEVICES --per-device",
    ),
    "import": (
        "asc-tf import cp_mobile.ckpt --network cp-mobile-2023 --run RUN",
        "asc-tf import tf_sepnet.ckpt --network tf-sepnet --run RUN --data TAU22",
    ),
    "calibrate": ("asc-tf calibrate RUN --out CALIBRATED",),
    "ensemble": ("asc-tf ensemble RUN RUN1 --out BOTH",),
    "soup": ("asc-tf soup TUNED TUNED1 TUNED2 --out SOUP --choose greedy",),
    "compress": ("asc-tf compress RUN --out SMALL", "asc-tf compress RUN --out SMALL --prune 0 --activations int8"),
    "translate": (
        "asc-tf translate train DATA --from a --to b c --out TRANSLATOR",
        "asc-tf translate apply TRANSLATOR",
    ),
    "translate train": ("asc-tf translate train DATA --from a --to b c --out TRANSLATOR",),
    "translate apply": (
        "asc-tf translate apply TRANSLATOR",
        "asc-tf train --data DATA --run RUN --set data.translated=translated",
    ),
    "export": (
        "asc-tf export RUN",
        "asc-tf export RUN --format int8 --input features --out small.tflite",
        "asc-tf export RUN --format onnx --input features",
        "asc-tf export IMPORTED --format int8 --data TAU22",
    ),
    "predict": (
        "asc-tf predict recording.wav",
        "asc-tf predict RUN street.wav park.flac",
        "asc-tf predict RUN/model.tflite long.wav --timeline",
        "asc-tf predict RUN/model.tflite RECORDINGS --output scenes.csv",
    ),
    "explain": (
        "asc-tf explain recording.wav",
        "asc-tf explain RUN street.wav --output street.png",
        "asc-tf explain RUN/model.tflite street.wav --json",
    ),
    "listen": (
        "asc-tf listen",
        "asc-tf listen RUN/model.tflite long.wav",
        "arecord -f S16_LE -r 16000 | asc-tf listen RUN/model.tflite -",
    ),
    "serve": ("asc-tf serve", "asc-tf serve RUN/model.tflite --port 8080"),
    "submit": (
        "asc-tf submit RUN --year 2025 --evaluation TAU25 --out SUBMISSION --label Kim_QTI_task1_1",
        "asc-tf submit --check SUBMISSION/task1/Kim_QTI_task1_1 --year 2025",
    ),
    "complexity": ("asc-tf complexity RUN", "asc-tf complexity RUN/model.tflite", "asc-tf complexity bc-resnet-asc-1"),
    "search": ("asc-tf search --data DATA --out SEARCH --space lambda,width --budget 2022",),
    "bench": ("asc-tf bench esc10 --data MOBILE --out BENCH --seeds 1",),
    "models": ("asc-tf models", "asc-tf models --shipped"),
    "recipes": ("asc-tf recipes",),
    "settings": ("asc-tf settings", "asc-tf settings train augment"),
}  # fmt: skip


def start_text():
    """The first commands to try."""
    width = max(len(command) for command, _ in START)
    lines = [f"  {command:{width}}  {purpose}" for command, purpose in START]
    return "\n".join(["Acoustic scene classification. To start:", *lines, "All commands: asc-tf --help"])


def examples_text(arguments):
    """The examples of a command, from arguments such as ["data", "make", "--help"]."""
    words = [word for word in arguments[:2] if not word.startswith("-")]
    for count in (2, 1):
        if (name := " ".join(words[:count])) in EXAMPLES:
            return "\n".join(["examples:", *(f"  {line}" for line in EXAMPLES[name])])
    return start_text()
