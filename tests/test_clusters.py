"""The script of docs/clusters.md, word for word, on two nodes of one process each."""

import json
import os
import re
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from lightning.fabric.plugins.environments.lightning import find_free_network_port

from tests.asked_commands import PROGRAM, AskedCommands
from tests.command import ENVIRONMENT, Running
from tests.conftest import TINY_DATA, TINY_DETECTOR, TINY_MODEL
from tests.docs.pages import ROOT
from tests.pipeline.conftest import LAST, METRICS, OPTIMISATION, TRAINER

PAGE = (ROOT / "docs" / "clusters.md").read_text()
(SCRIPT,) = (block for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if block.startswith("#!/bin/bash"))
JOB = {
    **{"SLURM_NTASKS": "2", "SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_LOCALID": "0"},
    **{"SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "refiner", "SLURM_NODELIST": "localhost"},
}
# Both tasks end where one does, as those of a job step; who ends the job finds their ids.
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
for rank in 0 1; do SLURM_PROCID=$rank SLURM_NODEID=$rank "$@" & echo $! >> tasks; done
code=0
for task in 1 2; do wait -n || code=$?; done
exit $code
"""
SCONTROL = """#!/bin/bash
echo "$@" >> requeued
"""


@pytest.fixture
def cluster(demo, tmp_path):
    """A folder with the demo's data, tiny configurations, and the programs of a cluster."""
    for name in ("noisy.json", "test.json", "images"):
        (tmp_path / name).symlink_to(demo / name)
    refine = {
        "model": {"class_path": "RefineTask", "init_args": {**TINY_MODEL, **OPTIMISATION}},
        "data": {"class_path": "RefineDataModule", "init_args": {**TINY_DATA, "batch_size": 1}},
        "trainer": {**TRAINER, "callbacks": [LAST]},
    }
    detect = {
        "model": {"class_path": "DetectTask", "init_args": {**TINY_DETECTOR, **OPTIMISATION}},
        "data": {"class_path": "DetectDataModule", "init_args": {"batch_size": 1, "num_workers": 0}},
        "trainer": {**TRAINER, "max_epochs": 1, "callbacks": [METRICS, LAST]},
    }
    (tmp_path / "my_configs").mkdir()
    for name, settings in (("refine", refine), ("detect", detect)):
        (tmp_path / "my_configs" / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "bin").mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("ssd-det", PROGRAM), ("job.sh", SCRIPT)):
        path = tmp_path / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return tmp_path


@pytest.fixture
def commands():
    """What the script runs."""
    with tempfile.TemporaryDirectory() as folder, AskedCommands(Path(folder, "socket")) as commands:  # a short path
        yield commands


def environment_of(cluster):
    """The environment of a job, whose tasks meet at a port that nothing else uses, on whatever machine."""
    port = str(find_free_network_port())
    return {**ENVIRONMENT, **JOB, "MASTER_PORT": port, "PATH": f"{cluster / 'bin'}:{ENVIRONMENT['PATH']}"}


def submit(cluster, commands):
    return subprocess.Popen(
        [cluster / "bin" / "job.sh"],
        cwd=cluster,
        env={**environment_of(cluster), **commands.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_the_chain_is_queued_again_goes_on_and_leaves_its_products(cluster, commands):
    run = cluster / "runs" / "mine"
    job = submit(cluster, commands)
    while not (run / "refiner" / "checkpoints" / "last.ckpt").exists() and job.poll() is None:
        time.sleep(0.05)
    job.send_signal(signal.SIGUSR1)
    assert job.wait() == 0
    os.killpg(job.pid, signal.SIGKILL)  # what SLURM does to the tasks of a job that it queues again
    commands.join()
    assert (cluster / "requeued").read_text() == "requeue 4711\n"
    assert not (run / "refiner" / "finished").exists()

    again = submit(cluster, commands)
    printed, _ = again.communicate()
    assert again.returncode == 0, printed
    assert len(list((run / "refiner").glob("metrics*.csv"))) == 2
    noisy, refined = (json.loads(path.read_text()) for path in (cluster / "noisy.json", run / "refined/refined.json"))
    assert [entry["id"] for entry in refined["annotations"]] == [entry["id"] for entry in noisy["annotations"]]
    assert json.loads((run / "test" / "metrics.json").read_text())["images"] == 4
    assert (run / "page" / "index.html").is_file()

    third = submit(cluster, commands)
    printed, _ = third.communicate()
    assert third.returncode == 0, printed
    assert "precision" not in printed, "a finished stage was run again"


def start(cluster, *words, tasks=2):
    """Start a command of ssd-det as the tasks of a job."""
    environment = {**environment_of(cluster), "SLURM_NTASKS": str(tasks), "SLURM_NNODES": str(tasks)}
    words = [*words, f"--trainer.num_nodes={tasks}", "--trainer.devices=1"]
    ranks = ({"SLURM_PROCID": str(rank), "SLURM_NODEID": str(rank)} for rank in range(tasks))
    return [Running(*words, cwd=cluster, environment={**environment, **rank}) for rank in ranks]


DATA = ["--data.annotations=noisy.json", "--data.image_root=images"]
FIT = ["fit", "--config=my_configs/refine.yaml", *DATA, "--trainer.default_root_dir=runs"]


def wait_for_steps(log, count, process):
    """Wait until a training has logged so many steps."""
    while process.poll() is None and not (log.is_file() and len(log.read_text().splitlines()) > count):
        time.sleep(0.05)
    assert process.poll() is None, process.printed()


def test_a_lost_process_ends_the_other_with_one_sentence(cluster):
    first, second = start(cluster, *FIT, "--trainer.max_epochs=1000")
    wait_for_steps(cluster / "runs" / "metrics.csv", 4, first)
    second.send_signal(signal.SIGKILL)
    printed = first.printed()
    assert first.wait() == 2, printed
    assert printed.count("ssd-det: error: ") == 1
    assert "Another process of this command has ended" in printed
    assert "Traceback" not in printed
    assert second.wait() == -signal.SIGKILL


def test_a_training_that_lightning_queues_again_goes_on_and_keeps_its_log(cluster):
    (training,) = start(cluster, *FIT, "--trainer.max_epochs=1000", tasks=1)
    wait_for_steps(cluster / "runs" / "metrics.csv", 4, training)
    training.send_signal(signal.SIGUSR1)
    while training.poll() is None and not (cluster / "requeued").exists():
        time.sleep(0.05)
    training.send_signal(signal.SIGKILL)
    training.wait()
    assert (cluster / "requeued").read_text() == "requeue 4711\n"
    (cluster / "requeued").unlink()
    steps = len((cluster / "runs" / "metrics.csv").read_text().splitlines()) - 1
    epochs = steps // 6 + 2

    (training,) = start(cluster, *FIT, f"--trainer.max_epochs={epochs}", tasks=1)
    printed = training.printed()
    assert training.wait() == 0, printed
    assert "hpc_ckpt_1.ckpt" in printed
    assert len(list((cluster / "runs").glob("metrics*.csv"))) == 2

    refining = ["refine-annotations", "--config=my_configs/refine.yaml", *DATA, "--trainer.default_root_dir=runs"]
    refining += ["--checkpoint=runs/checkpoints/last.ckpt", "--output=refined.json"]
    (process,) = start(cluster, *refining, tasks=1)
    assert process.wait() == 0, process.printed()


def test_the_job_of_kubernetes_runs_a_command_that_goes_on(tmp_path):
    (manifest,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    service, job = yaml.safe_load_all(manifest)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    name = job["metadata"]["name"]
    assert (service["metadata"]["name"], service["spec"]["selector"]) == (pod["subdomain"], {"job-name": name})
    (script,) = container["args"]
    checkpoint = tmp_path / "last.ckpt"
    script = script.replace("/runs/refiner/checkpoints/last.ckpt", str(checkpoint)).replace("exec torchrun", "echo")
    calls = []
    for attempt in range(2):
        words = [*container["command"], script]
        environment = {**os.environ, "JOB_COMPLETION_INDEX": str(attempt)}
        calls.append(subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.split())
        checkpoint.touch()
    assert calls[0][calls[0].index("--node-rank") + 1] == "0"
    assert calls[1] == [*("1" if word == "0" else word for word in calls[0]), f"--ckpt_path={checkpoint}"]
    assert f"{name}-0.{service['metadata']['name']}" in calls[0]
