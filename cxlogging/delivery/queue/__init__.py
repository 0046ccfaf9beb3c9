"""The queue of a delivery: in memory, its bounds, and what happens near them."""
