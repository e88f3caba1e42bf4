"""A session as a chat in which the counselor is the assistant, for formats that train on whole conversations.

It holds what the counselor may know and no more: the counselor's role (system), then what is known of the client (the
first message of the user), then the dialogue. Neither plan, picks and drafts nor the client's form and attitude are in it.
"""

from counseling_sessions.nodes.context import ChatMessage, as_chat, counselor_messages
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, Plan, SessionRecord


def counselor_chat(record: SessionRecord) -> list[ChatMessage]:
    """The session's messages as `{"role", "content"}`: system, then user and assistant in turns; the texts as they were said."""
    chat = as_chat(counselor_messages(CounselorView.of(record.profile), alone(record), ""))
    for said in record.dialogue:
        role = "assistant" if said.speaker == "counselor" else "user"
        if chat[-1]["role"] == role:
            chat[-1] = {"role": role, "content": f"{chat[-1]['content']}\n\n{said.text}"}
        else:
            chat.append({"role": role, "content": said.text})
    return chat


def alone(record: SessionRecord, plan: Plan | None = None) -> SessionConfig:
    """The session's configuration with one counselor in place of specialists and router."""
    changes = {"method": "single-plan" if plan else "single", "prompt_layout": "shared", "few_shot": 0}
    return SessionConfig.model_validate(record.configuration | changes)
