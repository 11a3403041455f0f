# What an application sees that asks over a WebSocket, where a guardrail holds the answer. It prints one event a line.
import json, os
import openai

client = openai.OpenAI(base_url=os.environ["PROXY_URL"], api_key=os.environ["TOKEN"])
with client.responses.connect(extra_headers={"X-User-ID": "bob"}) as connection:
    for said in ["Sing, nightingale", "Hi"]:
        connection.response.create(model="gpt-4o", input=said)
        for event in connection:
            if event.type in ("error", "response.completed"):
                print(json.dumps(event.model_dump(mode="json")))
                break
