import json
import math

import pytest
import tf_keras as keras

from asc_tf.complexity.account_report import account_dict, account_text, size_text
from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.tflite_account import tflite_account

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


def test_the_table_has_a_line_a_layer_and_its_columns_line_up(account):
    lines = account_text(account).splitlines()
    assert lines[0].split() == [
        *("layer", "operation", "output", "parameters", "non-zero", "MACs", "mult.", "functions", "output", "bytes")
    ]
    table = lines[: lines.index("")]
    assert [line.split()[0] for line in table[1:]] == ["conv", "norm", "pool", "flat", "dense", "network"]
    assert len(set(map(len, table))) == 1
    conv = ["conv", "Conv2D", "100x100x10", "90", "90", "900,000", "0", "0", "400,000"]
    assert table[1].split() == conv
    assert table[-1].split() == ["network", "1,000,130", "1,000,130", "1,900,000", "100,000", "0", "808,000"]


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
    assert [(rule["year"], rule["passes"]) for rule in found["rules"]] == [(year, False) for year in range(2021, 2025)]
    check = found["rules"][1]["checks"][0]
    assert (check["count"], check["limit"], check["excess"]) == (1_000_110, 128_000, 872_110)
    assert (check["KB"], check["kB"]) == (976.7, 1000.1)
    assert sum(layer["macs"] for layer in found["layers"]) == network["macs"]


def test_a_file_s_frontend_is_one_line_and_a_part_of_the_json(exported):
    path, _ = exported
    account = tflite_account(path)
    lines = account_text(account).splitlines()
    table = lines[: lines.index("")]
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
