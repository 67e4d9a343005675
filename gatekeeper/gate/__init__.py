"""The shell around the core: plan, measure, judge, report. The only place that orchestrates effects."""
