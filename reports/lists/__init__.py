"""Lists for a workbook: statement of applicability, evidence index, assets, findings, audit-log extract."""
