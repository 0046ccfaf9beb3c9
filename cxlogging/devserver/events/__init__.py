"""Reading the stored events for people: filtered, counted, grouped, and one in detail."""
