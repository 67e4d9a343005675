"""Loads the day's payments, if they keep the contract: `python ingest/payments.py`."""

import sys

import polars as pl

from gatekeeper.frame import GateBlocked, gated

BATCHES = {"batches": pl.scan_parquet("landing/batches.parquet")}


@gated("payments", table="payments", references=BATCHES, junit="reports/7-cents.ingest.xml")
def extract() -> pl.LazyFrame:
    """The provider's payments of the day."""
    return pl.scan_parquet("landing/payments.parquet")


if __name__ == "__main__":
    try:
        payments = extract()
    except GateBlocked as closed:
        sys.exit(f"nothing is loaded\n{closed}")
    sys.stdout.write(f"rows to load: {payments.select(pl.len()).collect().item()}\n")
