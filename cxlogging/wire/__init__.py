"""
Floor 0: values that travel between the floors, and encodings that cannot fail.

Imports the standard library alone, and the codec libraries lazily. Nothing
here knows a vendor, a thread, a clock or a socket.
"""
