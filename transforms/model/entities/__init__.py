"""The spaCy pipeline of the gated path: gazetteer, encoder, names by the model, links to canonical names."""
