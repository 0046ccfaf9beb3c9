"""Any Python value as one that can be shipped, without running the application's code."""
