"""Pages: base view, tables, forms, downloads."""
