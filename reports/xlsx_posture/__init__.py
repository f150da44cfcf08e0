"""The posture report as a workbook."""
