"""From the queue to the vendor: threads, batches, pacing, and what an answer changes."""
