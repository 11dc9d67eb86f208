"""More photos than one machine holds: a source → shards → partitioned Parquet, each shard scored exactly once."""
