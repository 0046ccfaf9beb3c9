"""The commands of the language, as steps from rows to rows."""
