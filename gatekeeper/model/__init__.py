"""Values and protocols: what a rule asks, what an engine answers, what a gate reports. No effects."""
