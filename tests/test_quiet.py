"""What is hidden and what comes back."""

import logging
import os
import subprocess
import sys
import threading

import pytest

from asc_tf.quiet import native_stderr_hidden, root_log_hidden


def test_standard_error_comes_back_when_two_threads_hide_it(tmp_path):
    first_is_in, second_tries = threading.Event(), threading.Event()

    def second():
        first_is_in.wait()
        second_tries.set()
        with native_stderr_hidden():
            os.write(2, b"hidden")
            left.wait(0.2)  # without the lock the first would have left by then, and this would bring back its nowhere

    left = threading.Event()
    kept = os.dup(2)
    with (tmp_path / "stderr").open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 2)
        try:
            thread = threading.Thread(target=second)
            thread.start()
            with native_stderr_hidden():
                first_is_in.set()
                second_tries.wait()
                threading.Event().wait(0.1)
                os.write(2, b"hidden")
            left.set()
            thread.join()
            os.write(2, b"shown")
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    assert (tmp_path / "stderr").read_bytes() == b"shown"


def test_what_is_logged_to_the_root_is_hidden_in_the_block_and_installs_no_handler(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with root_log_hidden():
        logging.warning("hidden")
    assert capsys.readouterr().err == "" and logging.getLogger().handlers == []
    logging.getLogger().warning("shown")
    assert capsys.readouterr().err == "shown\n"


def python(code, folder, **environment):
    """Standard error of a new process that finds its modules in `folder` first."""
    path = os.pathsep.join([str(folder), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True).stderr


@pytest.fixture
def chatty_tensorflow(tmp_path):
    """A package named tensorflow whose import prints from native code and from Python, and sets up a log."""
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text(
        "import logging, os, sys\n"
        "os.write(2, b'native\\n')\n"
        "print('python', file=sys.stderr)\n"
        "log = logging.StreamHandler()\n"
        "if os.environ.get('FAILS'): raise ImportError('no such library')\n"
    )
    return tmp_path


IMPORT = "from asc_tf.quiet import silence_tensorflow; silence_tensorflow(); import tensorflow; "


def test_what_native_code_prints_while_tensorflow_is_imported_is_hidden_and_what_python_prints_is_not(
    chatty_tensorflow,
):
    code = IMPORT + "import os, sys; os.write(2, b'after\\n'); print('end', file=sys.stderr)"
    assert python(code, chatty_tensorflow, TF_CPP_MIN_LOG_LEVEL="3").split() == ["python", "after", "end"]
    assert python(code, chatty_tensorflow, TF_CPP_MIN_LOG_LEVEL="0").split() == ["native", "python", "after", "end"]


def test_a_log_that_was_set_up_while_standard_error_was_hidden_can_be_written_to(chatty_tensorflow):
    code = IMPORT + "tensorflow.log.emit(tensorflow.logging.makeLogRecord({'msg': 'logged'}))"
    assert python(code, chatty_tensorflow).split() == ["python", "logged"]


def test_an_import_of_tensorflow_that_fails_says_why(chatty_tensorflow):
    assert python(IMPORT, chatty_tensorflow, FAILS="1").endswith("ImportError: no such library\n")


def test_a_signal_is_answered_while_native_code_is_hidden(tmp_path):
    code = (
        "import os, signal; from asc_tf.__main__ import _hear_signals; from asc_tf.quiet import native_stderr_hidden\n"
        "_hear_signals()\n"
        "with native_stderr_hidden(): os.kill(os.getpid(), signal.SIGTERM)"
    )
    assert python(code, tmp_path).startswith("asc-tf: terminated; the same command goes on")
