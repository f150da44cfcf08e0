"""The assessment report: its read model, and the document that every form of it shows."""
