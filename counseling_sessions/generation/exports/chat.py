"""Sessions as chats in which the counselor is the assistant, for training on complete conversations: OpenAI's form and ShareGPT.

A chat holds what the counselor may know and no more: the counselor's role (system), then what is known of the client (the
user's first message), then the dialogue. It has neither plan, picks and drafts nor the client's form and attitude.
"""

from collections import Counter
from collections.abc import Iterator

from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.nodes.context import ChatMessage, as_chat, counselor_messages
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, Plan

SHAREGPT_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


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


def openai_rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """One conversation, which ends with the counselor; the service takes no field beside `messages`."""
    yield {"messages": counselor_chat(record)}


def sharegpt_rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """One conversation, in which the counselor is `gpt`."""
    messages = [{"from": SHAREGPT_SPEAKERS[item["role"]], "value": item["content"]} for item in counselor_chat(record)]
    yield {"id": record.session_id, "conversations": messages}


OPENAI = json_lines("openai-chat", openai_rows)
SHAREGPT = json_lines("sharegpt", sharegpt_rows)
