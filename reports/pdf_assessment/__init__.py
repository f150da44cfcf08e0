"""The assessment report as a PDF."""
