"""What a type checker must and must not take of the package, in an application."""

from typing import List, Optional, Tuple

from chaperone_support import AsyncChatClient, ChatClient, ChatResponse, DeltaEvent, RateLimitError

client = ChatClient(api_key="sk_1", environment="production", base_url="https://support.example.com")
response: ChatResponse = client.send_message(message="Hello", user_id="user_1", metadata={"a": 1})
facts: Tuple[str, float, List[str], bool] = (
    response.answer,
    response.confidence,
    response.sources,
    response.escalated,
)
for event in client.stream_message("Hello", "user_1"):
    text: str = event.text if isinstance(event, DeltaEvent) else ""
try:
    client.knowledge_base.update("kb_1", category=None)
except RateLimitError as error:
    wait: Optional[float] = error.retry_after


async def ask() -> str:
    async with AsyncChatClient("sk_1") as other:
        async for event in other.stream_message("Hello", "user_1"):
            print(event)
        return (await other.send_message("Hello", "user_1")).answer


client.send_message(1, "user_1")  # type: ignore[arg-type]
client.send_message("Hello", userId="user_1")  # type: ignore[call-arg]
ChatClient()  # type: ignore[call-arg]
