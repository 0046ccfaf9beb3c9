"""The queue on disk, in a directory that all processes of an application share."""
