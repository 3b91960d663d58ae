"""The shards of an archive as a pipeline of Apache Beam, for any runner."""

import contextlib
import io
import logging
import os

from asc_tf.errors import AscError, nearest, not_installed
from asc_tf.quiet import root_log_hidden
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.folder import classified
from asc_tf.runtime.scenes_csv import write_failures, write_scenes

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
try:
    with root_log_hidden():  # it reports that clients of Google's services are missing
        import apache_beam as beam
except ModuleNotFoundError as error:
    raise not_installed("--shards", "Apache Beam", "beam") from error

LOCAL = "FnApiRunner"  # Beam's DirectRunner without Prism, which Beam would download on first use


class ClassifyShard(beam.DoFn):
    """From the number of a shard to (number, records of its files by name); the side output `failures` has those of the
    files that could not be classified. Counts `files` and `failures` in the metrics' namespace `asc_tf`.

    An element is a shard, not a file: nothing is shuffled, and a finished shard is skipped before it becomes an
    element.

    Args:
        plan: a `Plan`.
        threads: files to work on at once, each with its own interpreter.
    """

    def __init__(self, plan, threads):
        self._plan, self._threads = plan, threads
        self._files = beam.metrics.Metrics.counter("asc_tf", "files")
        self._failures = beam.metrics.Metrics.counter("asc_tf", "failures")

    def setup(self):
        self._classifiers = [Classifier(self._plan.model) for _ in range(self._threads)]
        if self._classifiers[0].sha256 != self._plan.sha256:
            raise AscError(
                f"{self._plan.model}: has changed since the work on the archive began; expected the same file"
            )

    def process(self, shard):
        names = self._plan.names(shard)
        records = {record["file"]: record for record in classified(self._plan.folder, names, self._classifiers)}
        ordered = [records[name] for name in names]
        failures = [record for record in ordered if record["error"]]
        self._files.inc(len(ordered))
        self._failures.inc(len(failures))
        yield beam.pvalue.TaggedOutput("failures", (shard, failures))
        yield shard, ordered


def write_shard_scenes(numbered, plan):
    shard, records = numbered
    write_scenes(plan.csv("scenes", shard), plan.labels, records, uncertain_below=plan.uncertain_below)


def write_shard_failures(numbered, plan):
    shard, records = numbered
    write_failures(plan.csv("failures", shard), records)


def classify_shards(pipeline, plan, threads=1):
    """Add the steps that finish a plan to a Beam pipeline; some runners let several workers do one shard at once."""
    shards = sorted(set(range(len(plan.starts))) - plan.finished())
    done = (
        pipeline
        | "shards" >> beam.Create(shards)
        | "classify" >> beam.ParDo(ClassifyShard(plan, threads)).with_outputs("failures", main="scenes")
    )
    done.scenes | "write scenes" >> beam.Map(write_shard_scenes, plan)
    done.failures | "write failures" >> beam.Map(write_shard_failures, plan)


def new_pipeline(options):
    """An empty Beam pipeline.

    Args:
        options: "NAME=VALUE" or "NAME" of Beam's pipeline options. If they name no runner, the pipeline runs in this
            process and Beam's own messages are hidden; messages of another runner are shown.

    Raises:
        AscError: an option or a runner that Beam does not know, or that is not installed.
    """
    flags, local = [f"--{option}" for option in options], not any(option.startswith("runner=") for option in options)
    if local:
        flags.append(f"--runner={LOCAL}")
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            chosen = beam.options.pipeline_options.PipelineOptions(flags)
            known = chosen.get_all_options()
            unknown = set(chosen.get_all_options(retain_unknown_options=True)) - set(known)
            pipeline = beam.Pipeline(options=chosen)
    except SystemExit:
        raise AscError(f"--beam: {said.getvalue().strip().rpartition('error: ')[2]}") from None
    except Exception as error:  # it raises any exception
        raise AscError(_cause(error)) from error
    if local and unknown:  # another runner may know it
        raise AscError(f"--beam {min(unknown)}: is no option of Beam; {_near(min(unknown), known)}")
    return pipeline


def _near(word, known):
    near = nearest(word, known)
    return near if near.startswith("did") else "its documentation lists them"  # there are hundreds


def run(pipeline):
    """Run a pipeline to its end; returns its result.

    Raises:
        AscError: the pipeline failed; the message has the first cause.
    """
    try:
        result = pipeline.run()
        state = result.wait_until_finish() or result.state
    except Exception as error:  # runners raise any exception
        if _lines(error)[-1].startswith("KeyboardInterrupt"):
            raise KeyboardInterrupt from None
        raise AscError(_cause(error)) from error
    if state != beam.runners.runner.PipelineState.DONE:
        raise AscError(f"--beam: the pipeline ended as {state}; expected {beam.runners.runner.PipelineState.DONE}")
    return result


def _cause(error):
    """One sentence about an exception from a worker, which may come as the text of its traceback."""
    lines = _lines(error)
    marker = f"{AscError.__module__}.{AscError.__name__}: "
    ours = [line.partition(marker)[2] for line in lines if marker in line]
    sentence = ours[0] if ours else lines[0] if isinstance(error, AscError) else f"--beam: {lines[-1]}"
    return sentence.partition(" [while running ")[0]


def _lines(error):
    return [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
