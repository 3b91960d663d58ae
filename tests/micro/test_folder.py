"""The folder of C: what is in it, that it compiles everywhere, and what is refused."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from c_programs import FRONTEND, STRICT, program_of
from tflite_answers import answers

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.export.memory_plan import planned_bytes
from asc_tf.micro.boards import BOARDS, board_verdicts
from asc_tf.micro.c_text import array, literal, string
from asc_tf.micro.network import network_of
from asc_tf.micro.tables import tables_of
from asc_tf.runtime.classifier import Classifier

CORES = {
    "Cortex-M4": ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
    "Cortex-M7": ["-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"],
    "Cortex-M0+": ["-mcpu=cortex-m0plus", "-DASC_FIXED_POINT=1"],
}
# The interface of TensorFlow Lite for Microcontrollers that the folder uses, for a compiler without its source.
STUBS = {
    "tensorflow/lite/schema/schema_generated.h": (
        "#pragma once\nnamespace tflite { struct Model {}; inline const Model* GetModel(const void*) "
        "{ static Model m; return &m; } }\n"
    ),
    "tensorflow/lite/micro/micro_interpreter.h": (
        "#pragma once\n#include <cstddef>\n#include <cstdint>\n"
        '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"\n'
        "struct TfLiteTensor { union { int8_t* int8; float* f; } data; };\n"
        "namespace tflite { struct MicroInterpreter {\n"
        "MicroInterpreter(const Model*, const MicroOpResolver&, uint8_t*, size_t) {}\n"
        "TfLiteStatus AllocateTensors() { return kTfLiteOk; } TfLiteStatus Invoke() { return kTfLiteOk; }\n"
        "TfLiteTensor* input(size_t) { static TfLiteTensor t; return &t; }\n"
        "TfLiteTensor* output(size_t) { static TfLiteTensor t; return &t; }\n"
        "size_t arena_used_bytes() const { return 0; } }; }\n"
    ),
}


def written_stubs(folder, operators):
    methods = "".join(f"TfLiteStatus {name}() {{ return kTfLiteOk; }}\n" for name in operators)
    resolver_stub = (
        '#pragma once\n#include "tensorflow/lite/schema/schema_generated.h"\nenum TfLiteStatus { kTfLiteOk };\n'
        "namespace tflite { struct MicroOpResolver {};\n"
        f"template <unsigned int count> struct MicroMutableOpResolver : MicroOpResolver {{\n{methods}}}; }}\n"
    )
    for name, text in {**STUBS, "tensorflow/lite/micro/micro_mutable_op_resolver.h": resolver_stub}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("fixed", [0, 1])
def test_the_self_test_of_the_folder_passes(build, fixed):
    for step in (0, 33):
        said = build(["selftest.c", "asc_test_vector.c"], ASC_FIXED_POINT=fixed, ASC_STEP_FRAMES=step)().decode()
        assert re.match(r"features: at most [01] step", said)


@pytest.mark.parametrize("core", CORES)
def test_the_frontend_compiles_for_arm(c_folder, tmp_path, core, record_property):
    compiler, size = program_of("arm-none-eabi-gcc"), program_of("arm-none-eabi-size")
    command = [compiler, *STRICT, "-Os", "-mthumb", *CORES[core], "-c", *(c_folder / name for name in FRONTEND)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = subprocess.run([size, *tmp_path.glob("*.o")], capture_output=True, text=True, check=True).stdout
    text = {row.split()[-1].split("/")[-1]: int(row.split()[0]) for row in rows.splitlines()[1:]}
    code = sum(bytes_ for name, bytes_ in text.items() if name != "asc_tables.o")
    print(f"{core}: {code} bytes of code, {text['asc_tables.o']} of tables")
    assert 500 < code < 4096


def test_the_frontend_takes_24_kb_of_ram_at_most(c_folder, tmp_path, build):
    source = tmp_path / "size.c"
    source.write_text(
        '#include <stdio.h>\n#include "asc_stream.h"\nint main(void) {\n'
        'printf("%lu", (unsigned long)sizeof(asc_stream));\nreturn 0;\n}\n'
    )
    assert 20_000 < int(build([str(source)])()) <= 24 * 1024


def test_network_and_example_compile_against_the_interface_of_the_interpreter(c_folder, model_file, tmp_path):
    compiler = program_of("g++")
    calls = re.findall(r"resolver\.(Add\w+)\(\)", (c_folder / "asc_resolver.h").read_text())
    assert {"AddConv2D", "AddDepthwiseConv2D", "AddBatchMatMul", "AddMaxPool2D", "AddSoftmax"} <= set(calls)
    assert f"MicroMutableOpResolver<{len(calls)}>" in (c_folder / "asc_resolver.h").read_text()
    written_stubs(tmp_path, calls)
    strict = ["-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{c_folder}"]
    sources = [["-std=c++17", c_folder / "asc_network.cc"], ["-std=c99", "-xc", c_folder / "main.c"]]
    for source in sources:
        done = subprocess.run([compiler, *strict, "-fsyntax-only", *source], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_array_answers_as_the_file(c_folder, model_file, build, tmp_path):
    """It lacks only our metadata, and has a plan of the arena."""
    source = tmp_path / "dump.c"
    source.write_text(
        '#include <stdio.h>\n#include "asc_model.h"\nint main(void) {\n'
        "fwrite(asc_model, 1, sizeof asc_model, stdout);\nreturn (uintptr_t)asc_model % 16;\n}\n"
    )
    content = build([str(source), "asc_model.c"])()
    assert planned_bytes(content) and b"checksum" not in content
    assert np.array_equal(answers(content)[1], answers(model_file.read_bytes())[1])


def test_the_readme_says_what_it_costs_and_where_it_fits(c_folder):
    text = (c_folder / "README.md").read_text()
    assert all(board.name in text for board in BOARDS) and "No board was tried" in text
    parts = {name: int(value.replace(",", "")) for name, value in re.findall(r"\| ([^|]+) \| \**([\d,]+)", text)}
    assert parts["network"] == 0 + len((c_folder / "asc_model.c").read_text().split("{")[1].split(","))
    ram = [parts[name] for name in parts if name.startswith("frontend:")]
    assert sum(ram) == 2 * 2080 + 16 + 4 * 4096 + 4 * 256


def test_verdicts_of_boards():
    small, exact = (dataclasses.replace(BOARDS[0], ram_bytes=ram, flash_bytes=1000) for ram in (99, 100))
    verdicts = board_verdicts(100, 500, [small, exact])
    assert [verdict.fits for verdict in verdicts] == [False, True]
    assert (verdicts[1].ram_percent, verdicts[1].flash_percent) == (100, 50)


def test_numbers_and_texts_become_c():
    assert array("a", np.array([0, 0.5, 2**-20], np.float32)) == (
        "const float a[3] = {\n    0.0f, 0.5f, 9.53674316e-07f\n};\n"
    )
    assert array("b", np.array([-1], np.int16)) == "const int16_t b[1] = {\n    -1\n};\n"
    assert np.float32(literal(1e-7)[:-1]) == np.float32(1e-7) and literal(0) == "0.0f"
    assert string('é"\\?') == '"\\303\\251\\042\\134\\077"'


def test_files_that_have_no_folder_are_refused(model_file, tmp_path, capsys):
    metadata = Classifier(model_file).metadata
    with pytest.raises(AscError, match="has the frontend Pcen; expected one that is written in C: LogMel"):
        tables_of(dataclasses.replace(metadata, frontend={"class": "Pcen"}), "model.tflite")
    with pytest.raises(AscError, match="takes waveform in float; expected a file of int8 features"):
        tables_of(dataclasses.replace(metadata, input="waveform", format="float"), "model.tflite")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for arguments, said in (
        ([], "--out: is not given"),
        (["--out", tmp_path / "full"], "full: exists; expected the name of a new folder"),
        (["--out", tmp_path / "new", "--format", "int8"], "expected without --format and --input"),
        (["--out", tmp_path / "new", "--data", tmp_path], "is a finished file"),
    ):
        assert main(["export", str(model_file), "--target", "micro", *map(str, arguments)]) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_operators_that_the_interpreter_lacks_are_named(model_file, monkeypatch):
    monkeypatch.setattr("asc_tf.micro.network._KNOWN", frozenset({"CONV_2D"}))
    with pytest.raises(AscError, match="does not have: ADD, BATCH_MATMUL"):
        network_of(model_file.read_bytes(), "model.tflite")


def test_complexity_says_where_a_file_fits(model_file, capsys):
    assert main(["complexity", str(model_file)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"RP2040 \(Raspberry Pi Pico\): .*fit.*, \d+ % of the RAM, \d % of the flash", said)
    assert re.search(r"ESP32-S3 .*: fits", said)
    assert main(["complexity", str(model_file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["microcontrollers"]
    fits = {board["name"].split()[0]: board["fits"] for board in found["boards"]}
    verdicts = board_verdicts(found["ram_bytes"], found["flash_bytes"])
    assert fits == {verdict.board.name.split()[0]: verdict.fits for verdict in verdicts}
    assert fits["STM32N657"] and found["arena_bytes"] > 100_000


def test_the_command_writes_a_folder_of_a_shipped_model(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "asc_tf.stages", None)  # with the runtime alone it cannot be imported
    assert main(["export", "procedural-scenes", "--target", "micro", "--out", str(tmp_path / "new" / "c")]) == 0
    assert "of the arena" in capsys.readouterr().out
    assert "resolver.AddConv2D()" in (tmp_path / "new" / "c" / "asc_resolver.h").read_text()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["c"]
