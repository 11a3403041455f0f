# What an SDK does with refusals: as each user, one call to use up what there is, and one with the SDK's own settings.
# usage: refused.py openai|anthropic WINDOW_MS USER...
import json, os, sys, time
from concurrent.futures import ThreadPoolExecutor

vendor, window_ms, users = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
url, token = os.environ["PROXY_URL"], os.environ["TOKEN"]
messages = [{"role": "user", "content": "Hi"}]


def openai_call(hooks, headers):
    import openai

    http_client = openai.DefaultHttpxClient(event_hooks=hooks)
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=token, default_headers=headers, http_client=http_client)
    return lambda user, **options: client.with_options(**options).chat.completions.create(
        model="gpt-4o-mini", messages=messages, user=user
    )


def anthropic_call(hooks, headers):
    import anthropic

    http_client = anthropic.DefaultHttpxClient(event_hooks=hooks)
    client = anthropic.Anthropic(base_url=url, api_key=token, default_headers=headers, http_client=http_client)
    return lambda user, **options: client.with_options(**options).messages.create(
        model="claude-haiku-4-5", max_tokens=16, messages=messages, metadata={"user_id": user}
    )


def seen(user):
    requests = []
    make = {"openai": openai_call, "anthropic": anthropic_call}[vendor]
    call = make({"request": [requests.append]}, {"X-User-ID": user})
    said = "sandbox:status=429" if user.startswith("provider") else user
    # At the beginning of a window, so that pauses of the SDK's own would end before it.
    while user.startswith("soon") and time.time() * 1000 % window_ms > 1000:
        time.sleep(0.02)
    try:
        call(said, max_retries=0)
    except Exception:
        pass
    requests.clear()
    try:
        call(said)
        return [user, len(requests), "answered"]
    except Exception as error:
        code = getattr(error, "code", None) or getattr(error, "error_code", None) or getattr(error, "type", None)
        return [user, len(requests), type(error).__name__, getattr(error, "status_code", None), code]


with ThreadPoolExecutor(len(users)) as threads:
    for line in threads.map(seen, users):
        print(json.dumps(line))
