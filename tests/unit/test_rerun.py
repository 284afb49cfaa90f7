"""A rerun that is stopped and taken up ends where one without a stop does; other settings show what they would change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from pipeline.alert_rules import settings_hash
from pipeline.assess import raw_line
from pipeline.commands.whatif import compare, differences
from pipeline.exit_codes import ExitCode
from pipeline.rerun import Rerun, Window, load_state, save_state, window_of
from pipeline.settings import Settings, SettingsError
from transforms.records import Alert, Position, RawMessage

SAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "samples.jsonl"
AT = datetime(2026, 11, 24, tzinfo=UTC)


def sample_messages() -> list[RawMessage]:
    return [raw_line("news", number, line, AT) for number, line in enumerate(SAMPLES.read_bytes().splitlines())]


def test_stopped_rerun_goes_on_with_what_it_knew(tmp_path: Path) -> None:
    messages, file = sample_messages()[:24], tmp_path / "state.msgpack"
    whole, half = Rerun(Settings()), Rerun(Settings())
    written = [one for raw in messages for one in whole.take(raw)]
    begun = [one for raw in messages[:12] for one in half.take(raw)]
    save_state(file, half.state)
    state = load_state(file, settings_hash(Settings()))
    assert state is not None
    assert state.positions == {"news/0": 12}
    taken_up = Rerun(Settings(), state)
    assert begun + [one for raw in messages[12:] for one in taken_up.take(raw)] == written
    assert taken_up.state.alerts == whole.state.alerts
    assert {one.topic.rpartition(".")[2] for one in written} >= {"assessments", "policy", "closing"}


def test_state_of_other_settings_is_not_taken_up(tmp_path: Path) -> None:
    file = tmp_path / "state.msgpack"
    save_state(file, Rerun(Settings()).state)
    assert load_state(file, "another hash") is None
    file.write_bytes(b"cut")
    assert load_state(file, settings_hash(Settings())) is None
    assert load_state(tmp_path / "none", "") is None


def test_other_settings_show_what_they_would_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.model_validate({"state": {"folder": tmp_path}})
    other = Settings.model_validate({"state": {"folder": tmp_path}, "judgement": {"threshold": 1.0}})
    window = Window(to_offset=16)
    assert compare(settings, settings, SAMPLES, window, is_json=True, is_fresh=False) is ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == []
    assert compare(settings, other, SAMPLES, window, is_json=True, is_fresh=False) is ExitCode.FOUND
    assert {one["what"] for one in json.loads(capsys.readouterr().out)} == {"removed"}
    assert compare(settings, other, SAMPLES, Window(to_offset=0), is_json=False, is_fresh=False) is ExitCode.DONE
    assert "0 alerts before, 0 after" in capsys.readouterr().out


def test_difference_names_the_fields_that_are_other() -> None:
    rerun = Rerun(Settings())
    for raw in sample_messages()[:8]:
        rerun.take(raw)
    name, value = next(iter(rerun.state.alerts.items()))
    alert = msgspec.json.decode(value, type=Alert)
    other = msgspec.structs.replace(alert, headline="other", settings="other")
    [found] = differences({name: alert}, {name: other})
    assert (found.what, found.fields) == ("changed", (("headline", alert.headline, "other"),))
    assert [one.what for one in differences({name: alert}, {})] == ["removed"]
    assert [one.what for one in differences({}, {name: alert})] == ["added"]


def test_range_is_times_or_offsets() -> None:
    assert window_of("") == Window()
    assert window_of("5..9") == Window(from_offset=5, to_offset=9)
    assert window_of("2026-01-01..") == Window(since=datetime(2026, 1, 1, tzinfo=UTC))
    assert window_of("..2026-01-01T12:00+02:00").until == datetime(2026, 1, 1, 10, tzinfo=UTC)
    for wrong in ("yesterday..", "2026-01-01", "5..x"):
        with pytest.raises(SettingsError, match="range"):
            window_of(wrong)


def test_window_ends_before_its_end() -> None:
    messages = [
        RawMessage(position=Position("n", 0, number), timestamp_milliseconds=1000 * number, key=None, value=b"") for number in range(4)
    ]
    assert [one.position.offset for one in messages if Window(to_offset=2).has(one)] == [0, 1]
    assert [one.position.offset for one in messages if Window(until=datetime.fromtimestamp(3, UTC)).has(one)] == [0, 1, 2]
