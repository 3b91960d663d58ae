"""Draw docs/unheard.png: accuracy by device of three rows of results/esc10-bc-resnet-asc-1.csv, means over seeds.

python docs/figures/unheard.py writes the file.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "plain": ("no normalization", "#b8c4ce", ""),
    "pre-resnorm": ("Residual Normalization", "#5b8db8", "//"),
    "drc-long": ("and robust augmentation, a teacher, 240 epochs", "#12426b", ".."),
}
DEVICES = ["a", "b", "c", "s1", "s2", "s3", "s4", "s5", "s6"]


def main():
    """Read the table and write the figure."""
    results = pd.read_csv(ROOT / "results" / "esc10-bc-resnet-asc-1.csv")
    figure, axes = plt.subplots(figsize=(9.6, 3.9), dpi=100, layout="constrained")
    for index, (row, (title, colour, hatch)) in enumerate(ROWS.items()):
        means = results[results.row == row].groupby("device").accuracy.mean()[DEVICES]
        places = np.arange(len(DEVICES)) + (index - 1) * 0.27
        axes.bar(places, means, 0.27, label=title, color=colour, hatch=hatch, edgecolor="white")
    axes.axvspan(5.5, 8.6, color="#f4e8c8", zorder=0)
    axes.text(7.05, 103, "not heard in training", ha="center", va="top")
    axes.set(ylim=(0, 104), xlim=(-0.6, 8.6), ylabel="accuracy / %", xlabel="microphone")
    axes.set_xticks(range(len(DEVICES)), DEVICES)
    axes.set_title("ESC-10 Mobile, BC-ResNet-ASC-1 (8,055 parameters), means of three seeds", fontsize=11)
    figure.legend(loc="outside lower center", fontsize=9, ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(ROOT / "docs" / "unheard.png", metadata={"Software": None})


if __name__ == "__main__":
    main()
