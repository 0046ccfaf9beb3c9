"""
The lowest layer: values that the layers above exchange, and encodings that cannot fail.

Imports only the standard library, and the codec libraries lazily. Nothing here
knows a vendor, a worker or a socket.
"""
