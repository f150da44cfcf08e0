"""The assessment report as a Word document."""
