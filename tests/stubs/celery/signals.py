"""A signal of Celery's, as far as the snippets of the documents need it."""


class Signal:
    def __init__(self):
        self.receivers = []

    def connect(self, receiver):
        self.receivers.append(receiver)
        return receiver


setup_logging = Signal()
