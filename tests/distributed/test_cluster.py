import json
import os
import stat
import subprocess
import textwrap
from pathlib import Path

import pytest

from asc_tf.distributed.cluster import Cluster, read_cluster
from asc_tf.errors import AscError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def read(**config):
    return read_cluster({"TF_CONFIG": json.dumps(config)})


def test_what_is_written_is_read():
    cluster = Cluster(("one:2345", "two:2345"), 1)
    assert read_cluster({"TF_CONFIG": cluster.to_json()}) == cluster


def test_a_chief_is_the_worker_before_the_first():
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:1"]}
    assert read(cluster=cluster, task={"type": "chief", "index": 0}) == Cluster(("c:1", "a:1", "b:1"), 0)
    assert read(cluster=cluster, task={"type": "worker", "index": 1}).index == 2


def test_without_a_cluster():
    with pytest.raises(AscError, match="TF_CONFIG is not set; expected .*'asc-tf launch' sets it"):
        read_cluster({})


@pytest.mark.parametrize(
    "text",
    [
        "one:2345",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": [1]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:99999"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_wrong_one_is_shown_with_what_was_expected(text):
    with pytest.raises(AscError) as caught:
        read_cluster({"TF_CONFIG": text})
    assert str(caught.value).startswith(f"TF_CONFIG is {text}; expected {{") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("addresses", "local"),
    [
        (["127.0.0.1:1", "127.0.0.2:1"], True),
        (["localhost:1", "[::1]:1"], True),
        (["127.0.0.1:1", "one:1"], False),
        (["0.0.0.0:1"], False),
        (["localhost.example:1"], False),
    ],
)
def test_workers_on_the_loopback_are_on_one_machine(addresses, local):
    assert Cluster(tuple(addresses), 0).is_local() == local


def stub(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run(script, folder, **environment):
    """Run a script with the stubs of a folder and return what it prints."""
    environment |= {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_slurm_example(tmp_path):
    """srun, scontrol and asc-tf are stubs; the first try of the training loses a worker."""
    stub(tmp_path, "scontrol", "printf 'node%s\\n' 3 7")
    stub(tmp_path, "srun", 'for i in 0 1; do SLURM_PROCID=$i "${@:2}" || exit $?; done')
    stub(
        tmp_path, "asc-tf", f'echo "$TF_CONFIG" "$@"; [ -e {tmp_path}/tried ] || {{ touch {tmp_path}/tried; exit 75; }}'
    )
    script = (EXAMPLES / "slurm.sh").read_text()
    slurm = {"SLURM_JOB_NODELIST": "node[3,7]", "SLURM_JOB_ID": "12345"}
    lost, *lines = run(script, tmp_path, **slurm)
    assert lost == lines[0] and len(lines) == 2
    clusters = [read_cluster({"TF_CONFIG": line.split(" train ")[0]}) for line in lines]
    assert [cluster.index for cluster in clusters] == [0, 1]
    hosts = {tuple(address.split(":")[0] for address in cluster.workers) for cluster in clusters}
    assert hosts == {("node3", "node7")}
    assert all("--strategy multi_worker" in line for line in lines)


def test_kubernetes_example_names_every_pod(tmp_path):
    text = (EXAMPLES / "kubernetes.yaml").read_text()
    _, block = text.split("            - |\n")
    script = textwrap.dedent(block.split("          resources:")[0])
    stub(tmp_path, "asc-tf", 'echo "$TF_CONFIG" "$@"')
    (line,) = run(script, tmp_path, JOB_COMPLETION_INDEX="1", WORKERS="3")
    cluster = read_cluster({"TF_CONFIG": line.split(" train ")[0]})
    assert cluster == Cluster(tuple(f"asc-tf-{index}.asc-tf-workers:2345" for index in range(3)), 1)


def test_kubernetes_example_fits_together():
    yaml = pytest.importorskip("yaml")
    policy, service, job = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert job["kind"] == "Job" and spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"]
    assert pod["subdomain"] == service["metadata"]["name"] and service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    pods = {"podSelector": {"matchLabels": service["spec"]["selector"]}}
    assert policy["kind"] == "NetworkPolicy" and policy["spec"] | pods == policy["spec"]
    assert policy["spec"]["ingress"] == [{"from": [pods]}], "no one but the workers reaches a worker"
    (container,) = pod["containers"]
    assert container["command"][:2] == ["bash", "-c"] and len(container["command"]) == 3
    assert container["env"] == [{"name": "WORKERS", "value": str(spec["completions"])}]
