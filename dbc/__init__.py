"""The wire: DBC files, the codec over them, end-to-end protection, signals to records."""
