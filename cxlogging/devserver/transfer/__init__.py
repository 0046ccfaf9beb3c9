"""Events as a file: what an export contains, and what an import takes."""
