"""A list as a file: CSV, XLSX, JSON and Parquet of the same rows."""
