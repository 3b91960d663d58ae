"""What is hidden and what comes back."""

import logging
import os
import threading

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
