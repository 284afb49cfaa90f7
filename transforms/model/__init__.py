"""The sentence encoder, its heads and their weights; knows nothing of Beam."""
