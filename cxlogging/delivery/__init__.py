"""
Floor 2: the waiting line, its delivery, and the account of every record.

Knows no vendor and no LogRecord: it moves bytes that a `Destination` made.
Its transport is the only place of the sending side that opens a socket.
"""
