"""Name of an architecture → network with its stages and head; checkpoint file ↔ network."""
