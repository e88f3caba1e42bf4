"""Risk met by protocol: what a client says is noticed, and from the first sign on typed steps lead, not the plan."""

from counseling_sessions.nodes.protocol.course import goes_on, is_to_notice
from counseling_sessions.nodes.protocol.noticing import notice
from counseling_sessions.nodes.protocol.speaking import ask_protocol, protocol

__all__ = ["ask_protocol", "goes_on", "is_to_notice", "notice", "protocol"]
