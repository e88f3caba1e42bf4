"""The names of the exports' formats, for who offers them without the exports themselves."""

from typing import Literal

FormatName = Literal["parquet", "jsonl", "sharegpt", "openai-chat", "magnet", "specialists", "preference"]
