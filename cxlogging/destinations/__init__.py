"""Floor 1: one file a vendor, none knows another; they import `cxlogging.wire` alone."""
