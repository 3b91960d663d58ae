import json
import math

import pytest
import tf_keras as keras

from asc_tf.complexity.account_report import account_dict, account_text, size_text
from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.terminal import WIDTH

layers = keras.layers


@pytest.fixture(scope="module")
def account():
    inputs = keras.Input((100, 100, 1))
    x = layers.Conv2D(10, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(10, name="pool")(x))
    model = keras.Model(inputs, layers.Dense(1000, use_bias=False, name="dense")(x), name="network")
    model.set_weights([weight + 1 for weight in model.get_weights()])
    return keras_account(model, seconds=2.0)


def test_sizes_are_printed_in_both_kinds_of_kilobytes():
    assert size_text(62_335) == "62,335 bytes (60.9 KB, 62.3 kB)"


def rows_of(text, layers):
    """{layer: its cells in every fold of the table}, the header as "layer"."""
    lines = text.splitlines()
    folds = (
        "\n".join(lines[: next(i for i, line in enumerate(lines) if line.startswith("DCASE"))]).strip().split("\n\n")
    )
    tables = [fold.splitlines() for fold in folds]
    for table in tables:
        assert [row.split()[0] for row in table] == ["layer", *layers]
        assert len(set(map(len, table))) == 1 and len(table[0]) <= WIDTH
    return {
        rows[0].split()[0]: [cell for row in rows for cell in row.split()[1:]] for rows in zip(*tables, strict=True)
    }


def test_the_table_has_a_line_a_layer_and_its_columns_line_up(account):
    rows = rows_of(account_text(account), ["conv", "norm", "pool", "flat", "dense", "network"])
    header = "operation output parameters non-zero MACs mult. functions output bytes"
    assert rows["layer"] == header.split()
    assert rows["conv"] == ["Conv2D", "100x100x10", "90", "90", "900,000", "0", "0", "400,000"]
    assert rows["network"] == ["1,000,130", "1,000,130", "1,900,000", "100,000", "0", "808,000"]


def test_a_table_of_long_names_is_folded_and_every_fold_names_the_layers():
    inputs, name = keras.Input((100, 100, 1)), "c" * 60
    text = account_text(keras_account(keras.Model(inputs, layers.Conv2D(3, 3, name=name)(inputs))))
    assert rows_of(text, [name, "network"])[name] == ["Conv2D", "98x98x3", "30", "27", "259,308", "0", "0", "115,248"]
    assert text.count(name) >= 3


def test_the_summary_comes_last_and_says_what_128_kb_are_enough_for(account):
    assert account_text(account).splitlines()[-2:] == [
        "128 KB as a file: does not fit, parameters of 4,000,520 bytes, 3,869,448 too many",
        "128 KB as RAM: does not fit, features at their peak of 800,000 bytes, 668,928 too many",
    ]
    assert account_dict(account)["fits_128_kb"] == {"parameters": False, "features at their peak": False}


def test_sums_and_verdicts_are_printed(account):
    text = account_text(account)
    assert "network: 1,000,130 parameters, 1,000,110 trainable, 1,000,130 not zero" in text
    assert "1,900,000 MACs; besides 100,000 multiplications and 0 values of functions" in text
    assert "peak of the features: 800,000 bytes (781.2 KB, 800.0 kB) at norm" in text
    assert "MACs per 1 s: 950,000 (input of 2 s)" in text
    assert "receptive field: 3x3 (convolutions), 12x12 (with pooling)" in text
    assert "DCASE 2021: does not pass" in text and "DCASE 2024: does not pass" in text
    assert "parameters, zeros included, at int8: 1,000,110 (976.7 KB, 1,000.1 kB) of 128,000, 872,110 too many" in text
    assert "MACs per 1 s: 950,000 of 30,000,000, 29,050,000 left" in text


def test_json_holds_what_the_account_holds(account):
    found = json.loads(json.dumps(account_dict(account)))
    network = found["parts"]["network"]
    assert network["macs"] == 1_900_000 and network["macs_per_second"] == 950_000
    assert network["peak_activation_bytes"] == 800_000 and network["peak_layer"] == "norm"
    assert network["bytes_by_type"] == {"float32": 4 * 1_000_130}
    assert found["receptive_field"] == {"convolutions": [3, 3], "with pooling": [12, 12]}
    assert [layer["name"] for layer in found["layers"]] == ["conv", "norm", "pool", "flat", "dense"]
    assert [tensor["kind"] for tensor in found["layers"][1]["parameters"]] == ["norm", "norm", "statistic", "statistic"]
    assert [(rule["year"], rule["passes"]) for rule in found["rules"]] == [(year, False) for year in range(2021, 2026)]
    check = found["rules"][1]["checks"][0]
    assert (check["count"], check["limit"], check["excess"]) == (1_000_110, 128_000, 872_110)
    assert (check["KB"], check["kB"]) == (976.7, 1000.1)
    assert sum(layer["macs"] for layer in found["layers"]) == network["macs"]


def test_a_file_s_frontend_is_one_line_and_a_part_of_the_json(exported):
    path, _ = exported
    account = tflite_account(path)
    lines = account_text(account).splitlines()
    table = lines[: lines.index("")]  # the first fold
    operators = [layer for layer in account.layers if layer.part == "frontend"]
    assert len(table) == 3 + len(account.layers) - len(operators)
    assert table[1].startswith(f"{len(operators)} operators") and "frontend" in table[1]
    text = "\n".join(lines)
    assert "Batch normalizations are folded" in text and "trainable" not in text
    found = json.loads(json.dumps(account_dict(account)))
    assert set(found["parts"]) == {"network", "frontend"}
    assert found["file_bytes"] == path.stat().st_size
    assert all(math.isfinite(found["parts"][part]["macs"]) for part in found["parts"])


def test_what_is_not_accounted_for_is_printed():
    import tensorflow as tf

    class Looped(layers.Layer):
        def call(self, inputs):
            return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2.0), (0, inputs))[1]

    inputs = keras.Input((4,))
    text = account_text(keras_account(keras.Model(inputs, Looped(name="looped")(inputs))))
    assert "not accounted for: StatelessWhile in looped" in text
    assert "(some operations are not accounted for: MACs may be more)" in text
