"""How records cross a stage, sit in state and are read back: MessagePack, never pickle."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.coders import coders

from transforms import records

RECORD_CODER_URN = "openweight:coder:record:v1"
# What RecordCoder raises at bytes that are no such record. A state that the engine fails to hand over is another error, and passes.
UNREADABLE = (msgspec.MsgspecError, ValueError)
READABLE = "run the version that wrote the state"


class RecordCoder(coders.FastCoder):
    """Any record of transforms/records.py as MessagePack.

    The pipeline names the coder by URN and the record by its class name, so that state outlives a change of the code around it.
    """

    def __init__(self, record_type: type[msgspec.Struct]) -> None:
        self._record_type = record_type

    def _create_impl(self) -> Any:
        from apache_beam.coders import coder_impl  # noqa: PLC0415 - compiled module, only where a coder is built

        encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(self._record_type)
        return coder_impl.CallbackCoderImpl(encoder.encode, decoder.decode)

    def is_deterministic(self) -> bool:
        return True

    def to_type_hint(self) -> type[msgspec.Struct]:
        return self._record_type

    @classmethod
    def from_type_hint(cls, type_hint: type[msgspec.Struct], _registry: object) -> RecordCoder:
        return cls(type_hint)

    def to_runner_api_parameter(self, _context: object) -> tuple[str, bytes, tuple[()]]:
        return RECORD_CODER_URN, self._record_type.__name__.encode(), ()

    @staticmethod
    @coders.Coder.register_urn(RECORD_CODER_URN, bytes)
    def from_runner_api_parameter(payload: bytes, _components: object, _context: object) -> RecordCoder:
        return RecordCoder(getattr(records, payload.decode()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordCoder) and other._record_type is self._record_type

    def __hash__(self) -> int:
        return hash(self._record_type)


def register_record_coders() -> None:
    """Makes Beam use RecordCoder for every record; importing this module does it."""
    for name, record_type in vars(records).items():
        if isinstance(record_type, type) and issubclass(record_type, msgspec.Struct) and name != "Record":
            beam.coders.registry.register_coder(record_type, RecordCoder)


register_record_coders()
