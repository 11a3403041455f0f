"""What an application does with the client. It prints what it has seen, one JSON list a line."""

import asyncio
import json
import os
import sys

import chaperone_support as chaperone

BASE_URL, ADMIN, BACKEND, FEW, RELAY, USER = (
    os.environ[name] for name in ("BASE_URL", "ADMIN", "BACKEND", "FEW", "RELAY", "STORY_USER")
)
QUESTION = "How do I reset my password?"


def show(*facts):
    print(json.dumps(facts), flush=True)


class Waited:
    """The client that waits, with the face of the other one, so that both go through one story."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if name == "knowledge_base":
            return Waited(found)
        if name == "stream_message":

            async def events(*args, **kwargs):
                for event in found(*args, **kwargs):
                    yield event

            return events
        if not callable(found):
            return found

        async def call(*args, **kwargs):
            return found(*args, **kwargs)

        return call


def make_client(api_key, base_url=BASE_URL, **more):
    if sys.argv[1] == "async":
        return chaperone.AsyncChatClient(api_key, base_url=base_url, **more)
    return Waited(chaperone.ChatClient(api_key, base_url=base_url, **more))


async def converse(client, admin):
    first = await client.send_message(QUESTION, USER, channel="chat", metadata={"userEmail": "a@example.com"})
    show("answer", "Forgot Password" in first.answer, len(first.sources), first.escalated, first.confidence >= 0.75)
    show("named", [source.title for source in first.source_articles or []])
    one = first.conversation_id
    following = await client.send_message("And the password link?", USER, conversation_id=one)
    shown = await client.get_conversation(one)
    show("continued", following.conversation_id == one, shown.user_id, shown.channel, shown.metadata)
    show("messages", [message.sender for message in shown.messages], shown.messages[1].content == first.answer)
    show("named again", shown.messages[1].source_articles == first.source_articles)
    feedback = await client.submit_feedback(one, 5, comment="Quick.")
    show("feedback", feedback.rating)
    handed = await admin.escalate(one, assigned_agent=USER)
    listed = await admin.list_conversations(assigned_agent=USER)
    show("escalated", handed.status, handed.reason, listed.total, listed.conversations[0].rating)
    nobody = await admin.update_conversation(one, assigned_agent=None)
    given_back = await admin.update_conversation(one, status="active")
    show("changed", nobody.assigned_agent, given_back.status, (await admin.resolve(one)).status)


async def stream(client):
    events = [event async for event in client.stream_message(QUESTION, USER)]
    text = "".join(event.text for event in events if isinstance(event, chaperone.DeltaEvent))
    begun, done = events[0], events[-1]
    show("stream", type(begun).__name__, type(done).__name__, len(text) > 0 and done.response.answer.startswith(text))
    show("same", begun.conversation_id == done.response.conversation_id)


async def keep_articles(articles):
    added = await articles.add("Lamps", "A lamp blinks blue.", category="x", tags=[USER], metadata={"byUser": "ada"})
    changed = await articles.update(added.article_id, title="Our lamps", category=None)
    shown = await articles.get(added.article_id)
    show("article", added.version, changed.version, shown.title, shown.content, shown.category, shown.metadata)
    versions = await articles.versions(added.article_id)
    earlier = await articles.get(added.article_id, version=1)
    show("versions", [one.version for one in versions], earlier.title)
    listed = await articles.list(tag=USER, limit=1)
    found = await articles.search("Why does the lmap blink?", limit=1)
    show("found", listed.total, found.results[0].article_id == added.article_id, found.ranked_by)
    show("deleted", await articles.delete(added.article_id))


async def read_figures(admin):
    period = ("2026-01-01", "2099-01-01")
    days = await admin.get_analytics(*period, group_by="day")
    show("days", days.metrics["total_conversations"] > 0, days.daily_breakdown[0]["conversations"] > 0)
    few = await admin.get_analytics(*period, metrics=["conversations", "resolution_rate"])
    show("few", sorted(few.metrics))


async def raises(name, work):
    try:
        await work
        show(name, "was answered")
    except chaperone.ApiError as error:
        show(name, type(error).__name__, error.status, error.code, error.request_id[:4], error.details.get("field"))


async def fail(client):
    await raises("400", client.send_message(" ", USER))
    await raises("401", make_client("nonsense").send_message(QUESTION, USER))
    await raises("403", client.list_conversations())
    await raises("404", client.get_conversation("conv_0/../x"))
    for arguments in ({"api_key": ""}, {"api_key": "a"}, {"api_key": "a", "base_url": "ftp://a"}):
        try:
            chaperone.ChatClient(**arguments)
            show("configuration", "was taken")
        except chaperone.ConfigurationError as error:
            show("configuration", error.code)


async def be_limited():
    limited = make_client(FEW, max_retry_delay=0)
    try:
        while True:
            await limited.knowledge_base.list()
    except chaperone.RateLimitError as error:
        show("limited", error.code, 0 < error.retry_after <= 3600, limited.rate_limit.limit, limited.rate_limit.remaining)

    class Stop(Exception):
        pass

    def stop(notice):
        show("waits", notice.failures, notice.delay >= notice.error.retry_after)
        raise Stop

    try:
        await make_client(FEW, max_retry_delay=7200, on_retry=stop).knowledge_base.list()
    except Stop:
        show("stopped")


async def lose_an_answer(admin):
    cut = make_client(BACKEND, RELAY, on_retry=lambda notice: show("again", type(notice.error).__name__))
    show("relay")
    sys.stdin.readline()
    answered = await cut.send_message(QUESTION, f"{USER}-cut")
    listed = await admin.list_conversations(user_id=f"{USER}-cut")
    shown = await admin.get_conversation(answered.conversation_id)
    show("once", listed.total, [message.sender for message in shown.messages])


async def main():
    admin, client = make_client(ADMIN), make_client(BACKEND)
    await converse(client, admin)
    await stream(client)
    await keep_articles(admin.knowledge_base)
    await read_figures(admin)
    await fail(client)
    await be_limited()
    await lose_an_answer(admin)


asyncio.run(main())
