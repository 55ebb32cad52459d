"""Tables that a cluster reads: units of work, the engine that does them, and what becomes of a partition."""
