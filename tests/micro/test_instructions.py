"""The frontend on Cortex-M in QEMU: it gives the same features there, and how many instructions a frame takes."""

import re
import subprocess
from pathlib import Path

import pytest
from c_programs import FRONTEND, program_of

QEMU = Path(__file__).with_name("qemu")
BOARDS = {
    "Cortex-M4": ("mps2-an386", ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]),
    "Cortex-M7": ("mps2-an500", ["-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"]),
    "Cortex-M0+": ("mps2-an385", ["-mcpu=cortex-m0plus"]),  # on a Cortex-M3, which runs its code
}
CYCLES_PER_INSTRUCTION = 1.5  # assumed: loads and stores take two cycles, most others one
MOST_INSTRUCTIONS = {
    ("Cortex-M4", 0): 600_000,
    ("Cortex-M7", 0): 600_000,
    ("Cortex-M4", 1): 1_500_000,
    ("Cortex-M0+", 1): 4_000_000,
}
EMULATOR = ["-icount", "shift=0", "-nographic", "-monitor", "none", "-serial", "none"]


@pytest.mark.slow
@pytest.mark.parametrize(("core", "fixed"), MOST_INSTRUCTIONS)
def test_a_frame_on_cortex_m(c_folder, tmp_path, core, fixed):
    compiler, emulator = program_of("arm-none-eabi-gcc"), program_of("qemu-system-arm")
    board, flags = BOARDS[core]
    sources = [QEMU / "start.c", *(c_folder / name for name in [*FRONTEND, "asc_test_vector.c"])]
    options = ["-mthumb", "-O2", "-std=c99", f"-DASC_FIXED_POINT={fixed}", f"-I{c_folder}"]
    linked = ["-T", QEMU / "mps2.ld", "-nostartfiles", "--specs=rdimon.specs", "-o", tmp_path / "frame.elf"]
    done = subprocess.run([compiler, *flags, *options, *linked, *sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    command = [emulator, "-M", board, *EMULATOR, "-semihosting-config", "enable=on,target=native"]
    done = subprocess.run([*command, "-kernel", tmp_path / "frame.elf"], capture_output=True, text=True, timeout=120)
    instructions, steps = map(int, re.fullmatch(r"(\d+) instructions, (\d+) step\(s\)\s*", done.stdout).groups())
    times = ", ".join(
        f"{instructions * CYCLES_PER_INSTRUCTION / mhz / 1000:.1f} ms at {mhz} MHz" for mhz in (64, 133, 240)
    )
    print(f"{core}, fixed={fixed}: {instructions:,} instructions a frame; at 1.5 cycles each {times}")
    assert steps <= 1
    assert 100_000 < instructions < MOST_INSTRUCTIONS[core, fixed]
