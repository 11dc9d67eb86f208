"""A folder of labeled photos → checked samples → split, near-duplicates, transforms, batches."""
