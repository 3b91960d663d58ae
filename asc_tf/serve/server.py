"""Serving the page until it is interrupted."""

import os
import socket

from asc_tf.errors import AscError, not_installed
from asc_tf.serve.answer import Answers
from asc_tf.serve.uploads import upload_folder

LOOPBACK = ("127.0.0.1", "::1", "localhost")
KEEP_SECONDS = 60.0


def serve(model, host, port, report, keep_seconds=KEEP_SECONDS):
    """Serve the page of a model.

    Args:
        model: of a .tflite file.
        host, port: to listen on; port 0 is any that is free.
        report: called with lines for the user, the address among them.
        keep_seconds: how long what was uploaded is kept.

    Raises:
        AscError: Gradio is not installed, the model has no scores to show, or nobody can listen there.
    """
    try:
        import uvicorn

        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        import gradio  # noqa: F401
    except ModuleNotFoundError as error:
        raise not_installed("the page", error.name, "serve") from None
    from asc_tf.serve.page import application

    answers = Answers(model, at_once=os.cpu_count())
    listening = _listen(host, port)
    is_local = host in LOOPBACK
    hosts = {*LOOPBACK, "[::1]"} if is_local else None
    with listening, upload_folder(keep_seconds) as folder:
        app = application(answers, folder, hosts)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, server_header=False)
        port = listening.getsockname()[1]
        report(f"http://{f'[{host}]' if ':' in host else host}:{port} shows the page; Ctrl-C ends it")
        if not is_local:
            report(f"--host {host}: everyone who reaches this computer can use the page, without a password")
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host, port):
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AscError(f"--port {port}: cannot be listened on at {host} ({reason}); expected another port") from None
    return listening
