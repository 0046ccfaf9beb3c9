"""The requests of queries: arguments are checked before anything is sent."""
