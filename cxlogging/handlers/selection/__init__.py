"""Which records are sent: samplers, limits and the budget."""
