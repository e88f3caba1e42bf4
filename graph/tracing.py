"""Traces of sessions for those who collect them, over OpenTelemetry: every node and every model call, under the session's id.

LangSmith needs nothing of this: it has variables of its own, which langchain-core reads. Both take what tells a session from the
run's metadata (`graph.session.run_options`, `models.requests.trace_options`).
"""

import os
from functools import cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from counseling_sessions.settings import SettingsError

VARIABLE = "COUNSELING_SESSIONS_TRACES"
"""Environment variable that says where traces go: a collector's URL, or `otlp` for what the standard OTEL_ variables say."""
NAME = "counseling-sessions"
"""Service and project under which a collector shows the traces, unless OTEL_SERVICE_NAME or PHOENIX_PROJECT_NAME say otherwise."""
EXTRA = "pip install -e '.[traces]'"


def check_tracing() -> str | None:
    """Where traces go, as a URL for OTLP over HTTP; "" for what the standard variables say, None for nowhere.

    Raises `SettingsError` for a value that says nothing of the kind, and where the libraries are not installed.
    """
    value = os.environ.get(VARIABLE, "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    if value != "otlp" and (parts.scheme not in ("otlp", "http", "https") or not parts.hostname or "@" in parts.netloc):
        raise SettingsError(
            f"{VARIABLE}: neither 'otlp' nor a collector's URL without a password, such as http://127.0.0.1:6006"
        )
    if not (find_spec("openinference") and find_spec("opentelemetry")):
        raise SettingsError(f"{VARIABLE} is set, but what sends traces is not installed: {EXTRA}")
    if value == "otlp":
        return ""
    scheme = "http" if parts.scheme == "otlp" else parts.scheme
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1/traces'}"


@cache
def start_tracing() -> Any:
    """Send traces from now on, if the environment says where; once a process, which sends the last of them when it ends.

    Returns the tracer provider, or None. Texts can be left out with OPENINFERENCE_HIDE_INPUTS and
    OPENINFERENCE_HIDE_OUTPUTS. Raises `SettingsError` as `check_tracing` does.
    """
    endpoint = check_tracing()
    if endpoint is None:
        return None
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", NAME),
            "openinference.project.name": os.environ.get("PHOENIX_PROJECT_NAME", NAME),
        }
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint or None)))
    # A provider of its own: what else the process may trace is not ours to send.
    LangChainInstrumentor().instrument(tracer_provider=provider)
    return provider
