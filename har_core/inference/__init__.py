"""Model + photos → logits, class maps and embeddings; labeled photos → a scored run folder."""
