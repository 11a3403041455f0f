"""What an application does with the client. It prints what it has seen, one JSON list a line."""

import asyncio
import json
import os
import sys

import chaperone_support as chaperone

KIND, HAPPY = sys.argv[1], "I'm very happy with your service."
BASE_URL = os.environ["BASE_URL"]


def show(*facts):
    print(json.dumps(facts), flush=True)


async def done(answer):
    """What both clients answer: at once, or when it is awaited."""
    return await answer if asyncio.iscoroutine(answer) else answer


async def refused(name, work):
    try:
        await done(work())
        show(name, "was answered")
    except chaperone.ApiError as error:
        show(name, type(error).__name__, error.status, error.code, error.request_id[:4])
    except chaperone.ChatError as error:
        show(name, error.code)


async def texts(client):
    found = await done(client.analyze_sentiment(HAPPY))
    show("sentiment", found.sentiment, found.method, found.key_positives)
    batch = [
        {"id": "a", "text": HAPPY},
        {"id": "b", "text": "Terrible. I hate it.", "language": "en"},
        {"id": "c", "text": "Gut", "language": "de"},
    ]
    judged = await done(client.analyze_batch(batch))
    counts = judged.summary
    results = [one.error["code"] if one.error else one.sentiment for one in judged.results]
    show("batch", results, [counts.positive_count, counts.negative_count, counts.failed_count])
    queued = await done(client.queue_batch(batch))
    again = await done(client.get_batch(queued.batch_id))
    show("queued", queued.progress["total"], again.batch_id == queued.batch_id, again.results)


async def privacy(client):
    made = await done(client.anonymize("Write to ann@example.com", keep_mapping=True))
    show("anonymized", made.anonymized_text, sorted(made.mapping), made.pii_detected)
    restored = await done(client.restore(made.mapping_id, "Dear [EMAIL_1]"))
    show("restored", restored.text, restored.restored)
    await done(client.delete_mapping(made.mapping_id))
    await refused("forgotten", lambda: client.restore(made.mapping_id, "Dear [EMAIL_1]"))


def chunks_of(lines):
    """What can be read once."""
    if KIND != "async":
        return (line.encode() for line in lines)

    async def read():
        for line in lines:
            yield line.encode()

    return read()


async def fairness(client):
    rows = [{"age_group": "31_45" if at % 2 else "18_30", "is_resolved": at % 4 != 0} for at in range(40)]
    report = await done(client.analyze_fairness(rows, ["age_group"], ["is_resolved"], min_group_size=2))
    groups = report.detailed_findings[0].disparities
    show("fairness", report.rows, sorted(groups))
    show("groups", groups["18_30"]["selection_rate"], groups["31_45"]["sample_size"])
    lines = ["age_group,is_resolved\n", *(f"{row['age_group']},{str(row['is_resolved']).lower()}\n" for row in rows)]
    asked = {"attributes": ["age_group"], "outcome_columns": ["is_resolved"], "min_group_size": 2}
    whole = await done(client.upload_fairness("".join(lines), **asked))
    streamed = await done(client.upload_fairness(chunks_of(lines), **asked))
    rate = whole.detailed_findings[0].disparities["18_30"]["selection_rate"]
    show("uploaded", whole.rows, rate, streamed.rows)


async def models(client):
    listed = await done(client.list_models())
    show("models", [one.id for one in listed.providers], listed.default_provider)
    asked = {"max_tokens": 200, "system_prompt": "You are kind.", "context": {"customer_segment": "premium"}}
    text = await done(client.generate("Say hello to a customer", **asked))
    show("generated", "hello" in text.generated_text, text.model, text.compliance_check["passed"])
    show("usage", text.usage["total_tokens"] > 0, text.finish_reason)
    events = client.stream_text("Say hello to a customer", **asked)
    told = [event async for event in events] if KIND == "async" else list(events)
    deltas = "".join(event.text for event in told if isinstance(event, chaperone.insights.TextDelta))
    show("streamed", deltas == told[-1].response.generated_text, len(deltas) > 0)
    vectors = await done(client.embed(["One", "Two"], "vectors", dimensions=8))
    show("embedded", len(vectors.embeddings), vectors.dimensions, len(vectors.embeddings[1]))
    found = await done(client.classify("Hello", ["first_one", "secondOne"]))
    show("classified", sorted(found.classifications), abs(sum(found.classifications.values()) - 1) < 1e-9)
    why = await done(client.explain("sentiment", HAPPY))
    show("explained", why.sentiment, why.feature_importance[0].feature, why.exact)
    show("picture", why.visualization_url.startswith(f"{BASE_URL}/api/v1/ai/"))


async def reviews(client, admin, user):
    asked = {"customer_id": f"cust-{user}", "context": {"account_type": "savings"}}
    draft = await done(client.generate_response("Can I get a loan?", **asked))
    show("drafted", len(draft.response) > 0, 0 <= draft.confidence <= 1, draft.category != "")
    category = f"advice-{user}"
    item = ("Which stocks?", "Diversify.", category)
    reviews = client.reviews
    queued = await done(reviews.queue(*item, priority=2, metadata={"customer_id": f"cust-{user}"}))
    item_id = queued.item_id
    show("queued for review", queued.status, item_id.startswith("rev-"))
    listed = await done(reviews.list(status="queued", category=category, limit=5))
    items = [[one.item_id == item_id, one.priority, one.source, one.metadata] for one in listed.items]
    show("listed", items, listed.total)
    claimed = await done(reviews.claim_next(category=category))
    show("claimed", claimed.item_id == item_id, claimed.status, claimed.claimed_by)
    show("nothing to claim", await done(reviews.claim_next(category=category)))
    comment = await done(reviews.comment(item_id, "Looks fine"))
    show("commented", comment.number, comment.author_id, comment.text)
    show("released", (await done(reviews.release(item_id))).status)
    show("claimed again", (await done(reviews.claim(item_id))).status)
    show("reassigned", (await done(reviews.reassign(item_id, "bob"))).claimed_by)
    await refused("claimed by another", lambda: reviews.decide(item_id, True))
    await done(admin.reviews.reassign(item_id, user))
    show("changed", (await done(reviews.update(item_id, priority=1))).priority)
    edits = {"feedback": "Good", "modified_response": "Diversify, carefully."}
    decided = await done(reviews.decide(item_id, True, **edits))
    show("decided", decided.status, decided.reviewer_id, decided.approved, decided.item_id == item_id)
    whole = await done(reviews.get(item_id))
    decision = whole.decisions[0]
    show("whole", whole.final_response, len(whole.comments), decision.feedback, decision.edits["diff"][0]["op"])
    agreement = await done(reviews.agreement())
    show("agreement", agreement.items, agreement.krippendorff_alpha, agreement.pairs)


async def figures(client):
    summary = await done(client.get_summary(granularity="monthly"))
    shares, group = summary.sentiment_distribution, summary.timeline_data[0]
    show("summary", summary.total_conversations > 2, shares["positive"] > 0, summary.average_satisfaction)
    show("timeline", group.date[-2:], group.avg_sentiment > 0, summary.top_issues[0].count > 0)


async def until(read, holds):
    for _ in range(400):
        try:
            found = await done(read())
            if holds(found):
                return found
        except chaperone.ApiError:
            pass
        await asyncio.sleep(0.05)
    raise TimeoutError


async def training(client, user):
    jobs, deployments = client.training_jobs, client.deployments
    order = {"hyperparameters": {"learning_rate": 0.5, "epochs": 3}, "instance_count": 2, "instance_type": "small"}
    started = await done(jobs.start("customerai-classifier", "s3://acme-data/train.csv", **order))
    job_id = started.job_id
    show("training", started.status in ("STARTING", "IN_PROGRESS"), started.model_output_uri == f"s3://acme-models/{job_id}/")
    running = await until(lambda: jobs.get(job_id), lambda job: job.progress.total_steps > 0)
    show("running", running.status, running.progress.metrics, running.hyperparameters)
    page = await done(jobs.list(status="IN_PROGRESS", limit=1))
    show("jobs", page.total, page.jobs[0].job_id == job_id)
    show("logs", await done(jobs.logs(job_id)))
    show("cancelled", (await done(jobs.cancel(job_id))).status in ("CANCELLING", "CANCELLED", "IN_PROGRESS"))
    name = f"model-{user}"
    scaling = {"min_replicas": 1, "max_replicas": 2}
    more = {"auto_scaling": scaling, "resource_requirements": {"cpu": "500m"}}
    made = await done(deployments.deploy("s3://acme-models/some/", name, **more))
    show("deploying", made.status in ("CREATING", "IN_SERVICE"), made.auto_scaling["target_utilization"], made.resource_requirements)
    await until(lambda: deployments.get(name), lambda one: one.status == "IN_SERVICE")
    texts = ["Honestly, your app was quick and friendly.", "The branch was rude and slow."]
    once = chaperone.RequestOptions(max_retries=0)
    found = await until(lambda: deployments.predict(name, texts, options=once), lambda one: True)
    show("predicted", [one.label for one in found.predictions], list(found.predictions[0].scores))
    listed = await done(deployments.list())
    show("deployments", [one.deployment_name for one in listed.deployments], listed.total)
    show("undeployed", (await done(deployments.undeploy(made.deployment_id))).deployment_name)


async def faults(prompts):
    streamed = os.environ["STREAMED"].split(",")
    make = chaperone.AsyncInsightsClient if KIND == "async" else chaperone.InsightsClient
    delays = []
    client = make("sk_1", base_url=BASE_URL, max_retries=1, timeout=2, on_retry=lambda one: delays.append(one.delay))
    for prompt in prompts:
        try:
            if prompt not in streamed:
                show(prompt, (await done(client.generate(prompt))).generated_text)
                continue
            events = client.stream_text(prompt)
            told = [event async for event in events] if KIND == "async" else list(events)
            show(prompt, "".join(event.text for event in told if isinstance(event, chaperone.insights.TextDelta)))
        except chaperone.ChatError as error:
            show(prompt, type(error).__name__, error.code)
    show("delays", delays)


async def main():
    if len(sys.argv) > 2:
        await faults(sys.argv[2:])
        return
    make = chaperone.AsyncInsightsClient if KIND == "async" else chaperone.InsightsClient
    user, password = os.environ["STORY_USER"], os.environ["PASSWORD"]
    await refused("wrong password", lambda: make.log_in(user, "wrong", base_url=BASE_URL))
    client = await done(make.log_in(user, password, base_url=BASE_URL))
    login = client.login
    show("logged in", login.user_id, login.roles, login.expires_at > "2026")
    await texts(client)
    await privacy(client)
    await fairness(client)
    await models(client)
    admin = make(os.environ["ADMIN"], base_url=BASE_URL)
    await reviews(client, admin, user)
    await figures(client)
    await training(admin, user)
    await done(admin.close())
    try:
        await done(client.analyze_sentiment(" "))
    except chaperone.BadRequestError as error:
        show("wrong field", error.status, error.code, error.details)
    await refused("not allowed", lambda: client.generate("Hi", model="gpt-3.5-turbo"))
    show("rate limit", client.rate_limit.remaining > 0)
    show("refreshed", (await done(client.refresh_login())).token != login.token)
    await done(client.log_out())
    await refused("logged out", client.refresh_login)
    await done(client.close())


asyncio.run(main())
