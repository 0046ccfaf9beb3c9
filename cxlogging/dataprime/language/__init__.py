"""The text of a query, as far as the client reads or writes it."""
