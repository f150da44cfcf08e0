"""The assessment report as a workbook."""
