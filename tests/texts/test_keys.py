"""Keys in texts: which forms are masked, and what is taken for a key in a configuration, or is not."""

import html
import json
import random
import string
import time
from urllib.parse import quote

import pytest

from counseling_sessions.texts.keys import masked, secret_problem, url_problem, worth_hiding

KEY = 'sk-planted "canary"/0123&=456'


@pytest.mark.parametrize(
    "form",
    [KEY, json.dumps(KEY)[1:-1], quote(KEY), quote(KEY, safe=""), html.escape(KEY), KEY.upper()],
)
def test_every_form_of_a_key_is_masked(form: str) -> None:
    assert masked(f"before {form} and {form} after", KEY) == "before *** and *** after"


@pytest.mark.parametrize(
    "form",
    [
        KEY.replace("/", "\\/").replace('"', '\\\\\\"'),  # a JSON text inside another
        KEY.replace("&", "\\u0026").replace("=", "\\U003D"),
        KEY.replace("/", "&#x2F;").replace("=", "&#61;").replace("&456", "&amp;456"),
        quote(quote(KEY, safe=""), safe=""),
        KEY.replace("/", "%2f"),
        "".join(f"\\u{ord(letter):04x}" for letter in KEY),
        "".join(f"%{ord(letter):02X}" for letter in KEY),
        "".join(f"&#{ord(letter)};" for letter in KEY),
    ],
)
def test_a_key_is_masked_whichever_of_its_signs_are_escaped(form: str) -> None:
    assert masked(f"before {form} after", KEY) == "before *** after"


@pytest.mark.parametrize("piece", ["\\", "%25", "&amp;", "\\u00", "sk-", "-"])
def test_masking_is_linear(piece: str) -> None:
    text = piece * (500_000 // len(piece))
    began = time.process_time()
    assert masked(text, KEY) == text
    assert time.process_time() - began < 1


def test_no_key_masks_nothing() -> None:
    assert masked("a text", "") == "a text"


@pytest.mark.parametrize(
    ("key", "worth"),
    [
        ("none", False),
        ("EMPTY", False),
        ("password", False),
        ("a" * 19, False),
        ("a" * 20, True),
        ("token-abc123", True),
    ],
)
def test_a_key_that_is_a_word_is_not_looked_for_in_what_is_said(key: str, worth: bool) -> None:
    assert worth_hiding(key) is worth


@pytest.mark.parametrize(
    "name",
    [
        *(
            "token",
            "Token",
            "auth",
            "bearer",
            "credential",
            "credentials",
            "passwd",
            "pwd",
            "key",
            "x-api-key",
            "secret",
        ),
        *(
            "apiKey",
            "APIKey",
            "OPENAI_API_KEY",
            "proxyAuth",
            "accessToken",
            "access_token",
            "hf_token",
            "session_token",
        ),
        *("client_secret", "Cookie", "password", "passphrase", "Authorization", "auth_header"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert (secret_problem({"outer": [{name: "x"}]}) or "").startswith(f"{name}: must hold no key")


@pytest.mark.parametrize(
    "name",
    [
        *("max_tokens", "stop_token_ids", "add_special_tokens", "prompt_cache_key", "return_tokens_as_token_ids"),
        *("eos_token", "min_tokens", "logit_bias", "cache_key", "max_new_tokens", "bos_token_id", "stop_token"),
        *("keyword", "monkey", "tokenizer", "author", "top_k", "sort_key", "chat_template_kwargs"),
    ],
)
def test_names_of_ordinary_fields(name: str) -> None:
    assert secret_problem({"outer": [{name: 3}]}) is None


@pytest.mark.parametrize(
    "value",
    [
        "sk-verysecret0123",
        "Bearer abcdefgh",
        "hf_abcdefghijKLMNOP",
        "ghp_abcdefghijKLMNOP",
        "AKIAABCDEFGHIJKLMNOP",
        "Xy3Kd92LmQpz7Rt5Vb8N",
        "see sk-verysecret0123.",
    ],
)
def test_values_that_look_like_keys(value: str) -> None:
    assert secret_problem({"outer": [{"user": value}]}) == (
        "user: must hold no key or password: keys come from the environment (api_key_env)"
    )


@pytest.mark.parametrize(
    "value",
    [
        "sk-SK",
        "{% for message in messages %}task-specific-instructions{{ eos }}{% endfor %}",
        "the bearer of good news",
        "meta-llama/Meta-Llama-3-8B-Instruct",
        "0123456789abcdef0123456789abcdef",
        "(yes|no){1,20}[A-Z]",
    ],
)
def test_ordinary_values(value: str) -> None:
    assert secret_problem({"user": value}) is None


def test_nearly_every_random_value_is_recognised() -> None:
    draw = random.Random(7)
    keys = ["".join(draw.choices(string.ascii_letters + string.digits, k=32)) for _ in range(500)]
    assert sum(secret_problem({"user": key}) is not None for key in keys) > 480


@pytest.mark.parametrize(
    "path",
    [
        "sk-verysecret0123/v1",
        "%2573k-verysecret0123/v1",
        "key/abc/v1",
        "v1/token/abcd1234",
        "Bearer%20abcdefgh/v1",
        "Xy3Kd92LmQpz7Rt5Vb8N/v1",
        "hf_abcdefghijKLMNOP/v1",
        "ghp_abcdefghijKLMNOP",
        "AKIAABCDEFGHIJKLMNOP/v1",
        "v1;key=abc",
    ],
)
def test_keys_in_paths(path: str) -> None:
    assert "looks like a key" in (url_problem(f"https://host/{path}") or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/v1",
        "http://key:8000/v1",
        "http://token/v1",
        "https://api.cloudflare.com/client/v4/accounts/0123456789abcdef0123456789abcdef/ai/v1",
        "http://h/123e4567-e89b-12d3-a456-426614174000/v1",
        "https://r.openai.azure.com/openai/deployments/GPT-4o-Mini-Deployment-2024",
        "https://r.openai.azure.com/openai/deployments/Xy3Kd92LmQpz7Rt5Vb8N",
        "https://h/MyCompanyGateway2024Prod/v1",
        "https://h/token/v1",
        "https://xyz123abc456def.us-east-1.aws.endpoints.huggingface.cloud/v1",
        "https://h/task-specific-instructions/v1",
    ],
)
def test_ordinary_urls(url: str) -> None:
    assert url_problem(url) is None
