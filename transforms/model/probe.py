"""Whether the encoder says on this processor what it said where it was trained.

Integer products differ between processors when they overflow (7-bit weights see to it that they do not), and rounding may differ a little:
a sentence whose vector is kept beside the weights tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from transforms.model.encoder import WEIGHTS, Encoder, load_encoder

if TYPE_CHECKING:
    from pathlib import Path

SENTENCE = "From the next version on, the lab's model can only be reached through its own cloud; a spokesperson denied it. अब केवल किराये पर।"
FILE = "probe.npy"
LEAST_AGREEMENT = 0.995


def write_probe(folder: Path) -> None:
    """Keeps the vector of SENTENCE, made by the weights in `folder`, beside them."""
    np.save(folder / FILE, Encoder(folder, kept=1).encode(SENTENCE).vector)


def measure_agreement(folder: Path = WEIGHTS) -> float:
    """Returns the cosine of the kept vector and the one made here: 1 when they are the same.

    Raises:
        OSError: a file is missing.
    """
    return float(np.load(folder / FILE) @ load_encoder(folder).encode(SENTENCE).vector)
