"""What the files of a run folder are called; what is in them, `runs.run` says."""

from __future__ import annotations

MANIFEST, LEGACY_MANIFEST = "run.json", "card.json"
MODEL, HISTORY, MATRIX = "model.safetensors", "history.csv", "matrix.csv"
MODEL_SPEC, ONNX_MODEL = "model.json", "model.onnx"
HF_CONFIG, HF_PREPROCESSOR = "model/config.json", "model/preprocessor_config.json"
HF_MODEL = "model/model.safetensors"
WEIGHTS = (MODEL, ONNX_MODEL, HF_MODEL)
"""A run has one of them, or no model.  The latter two come with `MODEL_SPEC`, what is to be known besides (see `models.external`)."""
PREDICTIONS, CLASS_MAPS, EMBEDDINGS = "predictions.parquet", "heatmaps.npy", "embeddings.npy"
ROBUSTNESS, TRAINING_EMBEDDINGS = "robustness.csv", "training_embeddings.npz"
TRAINING_PHOTOS = "training_photos.csv"
SUSPECTS, DUPLICATES, PHOTO_PROPERTIES = "analysis/suspects.csv", "analysis/near_duplicates.csv", "analysis/photos.csv"
EMBEDDING_MAP, FAITHFULNESS = "analysis/map.csv", "analysis/faithfulness.csv"
CLIPS = "analysis/clips.csv"
CLIP_MODEL = "clip_model.safetensors"
"""Of a model of clips, which cannot predict photos (see `models.temporal`)."""
SCORED_MANIFEST = "scored.json"
"""Of a folder of shards (see `scoring.output`), which is no run."""
DROPPED = "near_duplicates_dropped.txt"
FILES = (
    MODEL,
    MODEL_SPEC,
    ONNX_MODEL,
    HF_CONFIG,
    HF_PREPROCESSOR,
    HF_MODEL,
    HISTORY,
    PREDICTIONS,
    CLASS_MAPS,
    EMBEDDINGS,
    MATRIX,
    ROBUSTNESS,
    TRAINING_PHOTOS,
    TRAINING_EMBEDDINGS,
    SUSPECTS,
    DUPLICATES,
    PHOTO_PROPERTIES,
    EMBEDDING_MAP,
    FAITHFULNESS,
    CLIPS,
    CLIP_MODEL,
)
"""Files that the manifest lists with size and SHA-256, where they are there."""
