"""Messages that a relay holds: the deliveries that they go to, and how they are settled."""
