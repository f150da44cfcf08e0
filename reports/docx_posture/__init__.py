"""The posture report as a Word document."""
