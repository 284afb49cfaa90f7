"""Tunes the encoder's top layers and its sentence heads together, in JAX on the CPU.

The lower layers are run once and their states kept; only the layers above are trained. Batches hold sentences of about one length.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from training.data import UNKNOWN, Example
from transforms.model.heads import COLUMNS, VECTOR_SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from build_encoder import BaseModel

    from transforms.model.encoder import EmbeddingRows, Tokenizer

LENGTHS = (16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 148, 168)
TASK_WEIGHTS = {"change": 1.0, "object": 0.5, "direction": 1.0, "change_type": 0.5, "status": 0.5, "past": 0.5, "denial": 0.5}


@dataclass(frozen=True)
class Settings:
    """How long and how hard to tune."""

    tuned_layers: int = 6
    epochs: int = 3
    # Of the sentences that only tell what no change is, each epoch has so large a share, another one each time.
    plain_share: float = 0.3
    tokens_in_batch: int = 768
    rate: float = 2.5e-4
    head_rate_factor: float = 10.0
    dropped: float = 0.1
    seed: int = 2


class Shape(NamedTuple):
    """What the arrays do not tell of the encoder."""

    heads: int
    epsilon: float


class Noise(NamedTuple):
    """Which values are dropped while training."""

    key: jax.Array
    dropped: float


@dataclass
class States:
    """What the lower layers made of each input: rows of `flat` (all pieces, width) in float16, from `borders[i]` to `borders[i + 1]`.

    The sentence begins at piece `first[i]` of its input.
    """

    flat: np.ndarray
    borders: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.borders)

    def batch(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(B, S, W) states, (B, S) which places are filled, (B, S) which belong to the sentence; S is one of LENGTHS."""
        length = _padded(int(self.lengths[chosen].max()))
        hidden = np.zeros((len(chosen), length, self.flat.shape[1]), np.float32)
        filled = np.zeros((len(chosen), length), np.float32)
        pooled = np.zeros((len(chosen), length), np.float32)
        for row, i in enumerate(chosen):
            start, end = self.borders[i], self.borders[i + 1]
            size = end - start
            hidden[row, :size], filled[row, :size], pooled[row, self.first[i] : size] = self.flat[start:end], 1, 1
        return hidden, filled, pooled


def _padded(length: int) -> int:
    return next(limit for limit in LENGTHS if limit >= length)


def lower_states(
    base: BaseModel, settings: Settings, inputs: Sequence[tuple[str, str]], tokenizer: Tokenizer, rows: EmbeddingRows
) -> States:
    """Runs (text, context) pairs through the layers that are not tuned. Prints its progress."""
    layers = _stack(base.layers[: len(base.layers) - settings.tuned_layers])
    norm = tuple(jnp.asarray(part) for part in base.norm)

    @jax.jit
    def run(embedded: jax.Array, filled: jax.Array) -> jax.Array:
        return _run_layers(layers, _norm(embedded, *norm, base.epsilon), filled, Shape(base.heads, base.epsilon), None)

    tokens = [tokenizer.tokens(text, context) for text, context in inputs]
    borders = np.cumsum([0, *(len(t.ids) for t in tokens)])
    flat = np.zeros((borders[-1], base.width), np.float16)
    order = np.argsort(np.diff(borders), kind="stable")
    for at in range(0, len(order), 16):
        chosen = order[at : at + 16]
        length = _padded(max(len(tokens[i].ids) for i in chosen))
        embedded, filled = np.zeros((16, length, base.width), np.float32), np.zeros((16, length), np.float32)
        filled[:, 0] = 1
        for row, i in enumerate(chosen):
            size = len(tokens[i].ids)
            embedded[row, :size], filled[row, :size] = rows.embed(tokens[i].ids), 1
        states = np.asarray(run(embedded, filled))
        for row, i in enumerate(chosen):
            flat[borders[i] : borders[i + 1]] = states[row, : borders[i + 1] - borders[i]]
        if at % 4096 == 0:
            print(f"lower layers: {at} of {len(order)} sentences", flush=True)
    return States(flat, borders, np.array([t.first for t in tokens]))


def tune(base: BaseModel, states: States, examples: Sequence[Example], settings: Settings, name: str) -> dict[str, Any]:
    """Trains on all examples; returns the parameters `layers`, `matrix`, `bias`. Prints its progress as `name`."""
    targets = _targets(examples)
    parameters: dict[str, Any] = {
        "layers": _stack(base.layers[len(base.layers) - settings.tuned_layers :]),
        "matrix": jnp.zeros((base.width, sum(COLUMNS.values()))),
        "bias": jnp.zeros(sum(COLUMNS.values())),
    }
    random = np.random.default_rng(settings.seed)
    plan = [
        batch
        for _ in range(settings.epochs)
        for batch in _batches(states.lengths, _choose_examples(examples, settings, random), settings, random)
    ]
    optimiser = _optimiser(settings, len(plan))
    memory = optimiser.init(parameters)

    @jax.jit
    def step(parameters: Any, memory: Any, inputs: Any, labels: Any, key: Any) -> tuple[Any, Any, jax.Array]:
        def loss_of(parameters: Any) -> jax.Array:
            noise = Noise(key, settings.dropped)
            return _loss(_logits(parameters, inputs, Shape(base.heads, base.epsilon), noise), labels)

        loss, gradient = jax.value_and_grad(loss_of)(parameters)
        updates, memory = optimiser.update(gradient, memory, parameters)
        return optax.apply_updates(parameters, updates), memory, loss

    losses, started = [], time.monotonic()
    for done, chosen in enumerate(plan, 1):
        labels = {key: value[chosen] for key, value in targets.items()}
        key = jax.random.PRNGKey(settings.seed * 100_003 + done)
        parameters, memory, loss = step(parameters, memory, states.batch(chosen), labels, key)
        losses.append(float(loss))
        if done % 100 == 0 or done == len(plan):
            left = (time.monotonic() - started) / done * (len(plan) - done)
            print(f"{name}: step {done} of {len(plan)}, loss {np.mean(losses[-100:]):.3f}, {left:.0f} s left", flush=True)
    return parameters


def tuned_layers(parameters: dict[str, Any]) -> list[dict[str, np.ndarray]]:
    """The tuned layers, from the lowest."""
    count = parameters["layers"]["ao"].shape[0]
    return [{key: np.asarray(value[i]) for key, value in parameters["layers"].items()} for i in range(count)]


def _choose_examples(examples: Sequence[Example], settings: Settings, random: np.random.Generator) -> np.ndarray:
    """Numbers of the examples of one epoch."""
    is_telling = np.array([example.is_telling for example in examples])
    return np.flatnonzero(is_telling | (random.random(len(examples)) < settings.plain_share))


def _batches(lengths: np.ndarray, chosen: np.ndarray, settings: Settings, random: np.random.Generator) -> list[np.ndarray]:
    """The chosen examples once, in batches of one padded length; the sizes are fixed for each length, so that few shapes are compiled."""
    batches = []
    padded = np.array([_padded(int(length)) for length in lengths[chosen]])
    for limit in LENGTHS:
        members = random.permutation(chosen[padded == limit])
        size = max(4, settings.tokens_in_batch // limit)
        if len(members):
            members = np.concatenate([members, members[: -len(members) % size]])
            members = np.resize(members, -(-len(members) // size) * size)
        batches += np.split(members, len(members) // size) if len(members) else []
    return [batches[i] for i in random.permutation(len(batches))]


def _targets(examples: Sequence[Example]) -> dict[str, np.ndarray]:
    numbers = {
        name: np.array([getattr(e, name) for e in examples], np.float32)
        for name in ("change", "past", "denial", "change_weight", "soft_weight")
    }
    return numbers | {
        name: np.array([getattr(e, name) for e in examples], np.int32) for name in ("object", "direction", "change_type", "status")
    }


def _optimiser(settings: Settings, steps: int) -> optax.GradientTransformation:
    warm = max(1, steps // 10)

    def schedule(peak: float) -> optax.Schedule:
        return optax.join_schedules([optax.linear_schedule(0, peak, warm), optax.linear_schedule(peak, 0, steps - warm)], [warm])

    rates = {
        "encoder": optax.adamw(schedule(settings.rate), weight_decay=0.01),
        "heads": optax.adamw(schedule(settings.rate * settings.head_rate_factor), weight_decay=0.001),
    }
    kinds = {"layers": "encoder", "matrix": "heads", "bias": "heads"}
    return optax.chain(optax.clip_by_global_norm(1.0), optax.multi_transform(rates, kinds))


def _loss(logits: jax.Array, labels: dict[str, jax.Array]) -> jax.Array:
    total, at = jnp.zeros(()), 0
    for name, width in COLUMNS.items():
        part, label = logits[:, at : at + width], labels[name]
        at += width
        if width == 1:
            losses = optax.sigmoid_binary_cross_entropy(part[:, 0], jnp.clip(label, 0, 1))
        else:
            losses = optax.softmax_cross_entropy_with_integer_labels(part, jnp.maximum(label, 0))
        weight = jnp.where(label == UNKNOWN, 0.0, 1.0) * (labels["change_weight"] if name == "change" else labels["soft_weight"])
        total += TASK_WEIGHTS[name] * (losses * weight).sum() / jnp.maximum(weight.sum(), 1.0)
    return total


def _logits(parameters: Any, inputs: tuple[jax.Array, jax.Array, jax.Array], shape: Shape, noise: Noise | None = None) -> jax.Array:
    hidden, filled, pooled = inputs
    states = _run_layers(parameters["layers"], hidden, filled, shape, noise)
    vectors = (states * pooled[..., None]).sum(1) / pooled.sum(1, keepdims=True)
    vectors /= jnp.linalg.norm(vectors, axis=-1, keepdims=True)
    return VECTOR_SCALE * vectors @ parameters["matrix"] + parameters["bias"]


def _stack(layers: list[dict[str, np.ndarray]]) -> dict[str, jax.Array]:
    return {key: jnp.stack([jnp.asarray(layer[key]) for layer in layers]) for key in layers[0]}


def _norm(x: jax.Array, weight: jax.Array, bias: jax.Array, epsilon: float) -> jax.Array:
    x -= x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight + bias


def _run_layers(layers: Any, x: jax.Array, filled: jax.Array, shape: Shape, noise: Noise | None) -> jax.Array:
    size, length, width = x.shape
    mask = jnp.where(filled[:, None, None, :] > 0, 0.0, -1e9)
    count = layers["ao"].shape[0]
    keys = jnp.zeros((count, 2), jnp.uint32) if noise is None else jax.random.split(noise.key, count)

    def drop(values: jax.Array, key: Any) -> jax.Array:
        if noise is None:
            return values
        return jnp.where(jax.random.bernoulli(key, 1 - noise.dropped, values.shape), values / (1 - noise.dropped), 0)

    def one_layer(x: jax.Array, inputs: Any) -> tuple[jax.Array, None]:
        layer, layer_key = inputs
        first, second = (None, None) if noise is None else jax.random.split(layer_key, 2)
        parts = (x @ layer["wqkv"] + layer["bqkv"]).reshape(size, length, 3, shape.heads, width // shape.heads)
        query, keyed, value = parts.transpose(2, 0, 3, 1, 4)
        shares = jax.nn.softmax(query @ keyed.transpose(0, 1, 3, 2) / np.sqrt(width // shape.heads) + mask, -1)
        mixed = (shares @ value).transpose(0, 2, 1, 3).reshape(size, length, width)
        x = _norm(drop(mixed @ layer["ao"] + layer["aob"], first) + x, layer["aw"], layer["ab"], shape.epsilon)
        inner = jax.nn.gelu(x @ layer["fi"] + layer["fib"], approximate=False)
        return _norm(drop(inner @ layer["fo"] + layer["fob"], second) + x, layer["ow"], layer["ob"], shape.epsilon), None

    x, _ = jax.lax.scan(one_layer, x, (layers, keys))
    return x
