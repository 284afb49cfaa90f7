"""Ports are remembered, and a taken one is passed over."""

import socket
from pathlib import Path

from pipeline.choose_ports import HOST, choose_ports, find_free_port


def listening_socket() -> socket.socket:
    server = socket.socket()
    server.bind((HOST, 0))
    server.listen()
    return server


def test_usual_port_is_taken_when_it_is_free(tmp_path: Path) -> None:
    port = find_free_port()
    assert choose_ports({"broker": port}, tmp_path / "ports.json") == {"broker": port}


def test_another_port_is_chosen_when_the_usual_one_is_taken_and_it_is_kept(tmp_path: Path) -> None:
    with listening_socket() as server:
        usual = {"broker": server.getsockname()[1]}
        first = choose_ports(usual, tmp_path / "ports.json")
    assert first != usual
    assert choose_ports(usual, tmp_path / "ports.json") == first


def test_two_services_never_get_one_port(tmp_path: Path) -> None:
    port = find_free_port()
    chosen = choose_ports({"broker": port, "flink": port}, tmp_path / "ports.json")
    assert len(set(chosen.values())) == 2


def test_damaged_record_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert choose_ports({"broker": 0}, tmp_path / "ports.json")["broker"] > 0
