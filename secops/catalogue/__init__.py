"""The catalogue browser: reads the catalogue's files, never the database."""
