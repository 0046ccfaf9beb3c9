"""The application that `cxlogging demo` runs, and the configuration of its logging."""
