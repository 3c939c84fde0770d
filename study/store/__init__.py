"""A study folder: records in Parquet parts, the study's specification, one driver at a time."""
