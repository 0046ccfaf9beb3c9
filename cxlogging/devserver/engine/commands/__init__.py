"""The commands of the query language, each compiled to a step from rows to rows."""
