"""One session of PySpark for all tests of engines: it takes seconds to start."""

import importlib.util
import os
import shutil
import sys
import warnings

import polars as pl
import pytest


@pytest.fixture(scope="session")
def spark():
    """A session of two threads, of which each holds some of the rows; a task may fail once."""
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("PySpark or Java is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("needs PySpark and Java")
    os.environ.setdefault(
        "PYSPARK_PYTHON", sys.executable
    )  # the workers', for tests that need them
    with warnings.catch_warnings(action="ignore"):  # its own, of libraries that it may use
        from pyspark.sql import SparkSession

        options = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "3",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
        session = SparkSession.builder.master("local[2, 2]").config(map=options).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def spread(spark):
    """Put rows into several partitions."""
    types = {pl.String: "string", pl.Int64: "bigint", pl.Int32: "int", pl.Boolean: "boolean"}

    def put(frame):
        schema = ", ".join(f"`{name}` {types[dtype]}" for name, dtype in frame.schema.items())
        return spark.createDataFrame(frame.rows(), schema).repartition(5)

    return put
