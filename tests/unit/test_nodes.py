"""Several TaskManagers on one machine: ports of their own, and each finds the pool beside it."""

from __future__ import annotations

from pathlib import Path

from pipeline.engine import EnginePlan, NodePorts, name_pool, node_host, node_name, prepare_pool
from pipeline.local import ENDING_ORDER, MOST_TASK_MANAGERS, USUAL_PORTS, LocalMachine, MachinePlan
from pipeline.settings import Engine


def plan(folder: Path, *more: NodePorts) -> EnginePlan:
    (folder / "engine" / "conf").mkdir(parents=True, exist_ok=True)
    return EnginePlan(folder, 1, 2, 3, 4, 5, 50000, more_nodes=more)


def test_one_node_is_what_it_always_was(tmp_path: Path) -> None:
    assert LocalMachine(MachinePlan(tmp_path)).name_ports() == USUAL_PORTS
    assert plan(tmp_path).pool_address == "127.0.0.1:50000"
    assert name_pool(plan(tmp_path), 1) == []


def test_metrics_of_further_nodes_are_on_the_ports_behind_and_their_other_ports_any_free_ones(tmp_path: Path) -> None:
    ports = LocalMachine(MachinePlan(tmp_path, task_managers=3)).name_ports()
    assert (ports["taskmanager_metrics"], ports["taskmanager_metrics_2"], ports["taskmanager_metrics_3"]) == (9250, 9251, 9252)
    assert ports["taskmanager_2"] == ports["tasks_3"] == 0
    free = LocalMachine(MachinePlan(tmp_path, task_managers=2, usual_ports=dict.fromkeys(USUAL_PORTS, 0))).name_ports()
    assert set(free.values()) == {0}


def test_one_name_leads_each_taskmanager_to_its_own_pool(tmp_path: Path) -> None:
    two = plan(tmp_path, NodePorts(6, 7, 8))
    assert two.pool_address == "worker-pool:50000"
    for number in (1, 2):
        (option,) = name_pool(two, number)
        hosts = Path(option.removeprefix("-Djdk.net.hosts.file=")).read_text()
        assert f"{node_host(number)} worker-pool\n" in hosts
        assert "127.0.0.1 localhost" in hosts
        command = prepare_pool(two, number).command
        assert command[command.index("--host") + 1] == node_host(number)
    # Two pools in one folder would take each other's logs and journals for their own.
    folders = {command[command.index("--log-folder") + 1] for command in (prepare_pool(two, number).command for number in (1, 2))}
    assert len(folders) == 2


def test_every_node_that_settings_allow_is_ended_and_found_again_after_a_kill() -> None:
    most = next(rule.le for rule in Engine.model_fields["task_managers"].metadata if hasattr(rule, "le"))
    assert most == MOST_TASK_MANAGERS
    for number in (1, 2, most):
        assert {node_name("pool", number), node_name("taskmanager", number)} <= set(ENDING_ORDER)
