"""The queue of a delivery: its bound and overflow policies, and its form in memory."""
