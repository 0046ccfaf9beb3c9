"""
Texts with which a reader takes an event elsewhere: a curl command, a logging call, a query.

What is not printable is escaped in all of them, so that it cannot disturb the terminal or the
editor into which they are pasted.
"""
