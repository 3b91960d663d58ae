"""The page: Gradio's components around `Answers`, and nothing of other hosts. Needs the extra `serve`."""

import os
from pathlib import Path

from asc_tf.evidence.evidence import MOST_SECONDS
from asc_tf.serve.answer import MOST_BYTES, refusal

# No other host is asked for anything, whatever a component or a file's name would like to load.
CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
    ]
)


class Guard:
    """Between the network and Gradio: refuses what is too large or asks for another host, and says what may be loaded.

    Args:
        app: the ASGI application behind it.
        hosts: names by which the page may be asked for, or None for any: a page of another name that was led here (DNS
            rebinding) gets nothing.
    """

    def __init__(self, app, hosts):
        self._app, self._hosts = app, hosts

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        length, host = headers.get(b"content-length", b"0"), headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and _without_port(host) not in self._hosts:
            return await _refuse(send, 400, "this page is asked for by another name than its own")
        if not length.isdigit() or int(length) > MOST_BYTES + 65536:  # the form around the file
            return await _refuse(send, 413, f"a file may have {MOST_BYTES:,} bytes")

        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                more = [(b"content-security-policy", CONTENT_POLICY.encode()), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        return await self._app(scope, receive, send_with_policy)


def _without_port(host):
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


async def _refuse(send, status, sentence):
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})


def application(answers, folder, hosts):
    """The ASGI application of the page.

    Args:
        answers: `Answers`.
        folder: for uploads; it is the process's from now on.
        hosts: of `Guard`.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio
    from fastapi import FastAPI

    theme = gradio.themes.Base(font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace"))
    app = gradio.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None), _blocks(gradio, answers), path="/",
        theme=theme, max_file_size=MOST_BYTES, footer_links=[], show_error=False, ssr_mode=False, pwa=False,
        mcp_server=False, enable_monitoring=False,
    )  # fmt: skip
    return Guard(app, hosts)


def _blocks(gradio, answers):
    def answer(path):
        if path is None:
            return ""
        return answers.to(path) if Path(path).is_file() else refusal("the file is gone; upload it again")

    limits = f"{MOST_SECONDS / 60:g} minutes and {MOST_BYTES >> 20} MB"
    about = (
        f"# Which scene is this?\nDrop an audio file of at most {limits}, or record one. The model knows "
        f"{', '.join(answers.labels)}. The file stays in this program and is deleted soon."
    )
    with gradio.Blocks(title="asc-tf: which scene is this?", analytics_enabled=False) as blocks:
        gradio.Markdown(about.replace("_", r"\_"))
        audio = gradio.Audio(
            sources=["upload", "microphone"], type="filepath", label="recording", editable=False, buttons=[]
        )
        result = gradio.HTML(elem_id="result")
        # Without Gradio's queue, whose records of events grow; `Answers` has one of its own.
        gradio.on(
            [audio.upload, audio.stop_recording, audio.clear],
            answer, audio, result, api_name="answer", queue=False, show_progress="minimal",
        )  # fmt: skip
    return blocks
