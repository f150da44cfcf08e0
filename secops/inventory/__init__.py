"""Registers that an office keeps in spreadsheets today: forms, lists, import and export from one description."""
