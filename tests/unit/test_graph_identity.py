"""What Flink knows a stage with state by: when one of these names changes, state that was saved before cannot be restored."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.graph import lay_graph
from pipeline.settings import Settings

# Stage, the collection that it reads, its states, its timers. The engine names an operator after that collection, which Beam numbers in
# the order of build(): a stage added before one of these moves its number. Then this is a new major version: say so in CHANGELOG.md.
SAVED = {
    "Read/ListPartitions": ("ref_PCollection_PCollection_2", ["announced"], []),
    "Read/PollPartition/ParDo(PollPartition)": ("ref_PCollection_PCollection_3", ["reading"], ["ts-poll"]),
    "LinkStories/Link": ("ref_PCollection_PCollection_15", ["members"], ["ts-expiry"]),
    "KeepLedger/Keep": ("ref_PCollection_PCollection_18", ["book"], ["ts-expiry"]),
}


def stages_with_state() -> dict[str, tuple[str, list[str], list[str]]]:
    pipeline = beam.Pipeline()
    lay_graph(pipeline, Settings.model_validate({"broker": {"bootstrap_servers": "127.0.0.1:9"}}).model_dump_json())
    found = {}
    for transform in pipeline.to_runner_api().components.transforms.values():
        if transform.spec.urn == "beam:transform:pardo:v1":
            stage = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            if stage.state_specs or stage.timer_family_specs:
                (collection,) = transform.inputs.values()
                found[transform.unique_name] = (collection, sorted(stage.state_specs), sorted(stage.timer_family_specs))
    return found


def test_saved_state_of_the_last_release_finds_its_stages() -> None:
    assert stages_with_state() == SAVED
