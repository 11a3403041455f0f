import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.chaperone.insights.Accounts;
import dev.chaperone.insights.ApiException;
import dev.chaperone.insights.ChaperoneException;
import dev.chaperone.insights.ClientOptions;
import dev.chaperone.insights.Fairness;
import dev.chaperone.insights.InsightsClient;
import dev.chaperone.insights.Live;
import dev.chaperone.insights.LiveSession;
import dev.chaperone.insights.Models;
import dev.chaperone.insights.Privacy;
import dev.chaperone.insights.ReviewQueue;
import dev.chaperone.insights.Reviews;
import dev.chaperone.insights.Sentiments;
import dev.chaperone.insights.Serving;
import dev.chaperone.insights.Summaries;
import dev.chaperone.insights.Training;
import dev.chaperone.insights.TrainingJobs;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** What an application does with the client. It prints what it has seen, one JSON list a line. */
public class Story {
    private static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final String HAPPY = "I'm very happy with your service.";

    private static void show(Object... facts) {
        System.out.println(JSON.toJson(facts));
    }

    private static void refused(String name, Runnable work) {
        try {
            work.run();
            show(name, "was answered");
        } catch (ApiException error) {
            show(name, error.getClass().getSimpleName(), error.status(), error.code(), error.requestId().substring(0, 4));
        } catch (ChaperoneException error) {
            show(name, error.code());
        }
    }

    public static void main(String[] arguments) throws Exception {
        ClientOptions options = ClientOptions.at(System.getenv("BASE_URL"));
        if (arguments.length > 0) {
            faults(options, arguments);
            return;
        }
        String user = System.getenv("STORY_USER");
        refused("wrong password", () -> InsightsClient.logIn(options, user, "wrong"));
        InsightsClient client = InsightsClient.logIn(options, user, System.getenv("PASSWORD"));
        Accounts.Login login = client.login().orElseThrow();
        show("logged in", login.userId(), login.roles(), login.expires().isAfter(java.time.Instant.now()));
        texts(client);
        privacy(client);
        fairness(client);
        models(client);
        InsightsClient admin = new InsightsClient(options, System.getenv("ADMIN"));
        reviews(client, admin, user);
        figures(client);
        training(admin, user);
        watch(client);
        mayNotWatch(options);
        try {
            client.analyzeSentiment(Sentiments.Request.of(" "));
        } catch (ApiException.BadRequest error) {
            show("wrong field", error.status(), error.code(), error.details());
        }
        refused("not allowed", () -> client.generate(Models.GenerateRequest.of("Hi").withModel("gpt-3.5-turbo")));
        show("rate limit", client.rateLimit().orElseThrow().remaining() > 0);
        show("refreshed", !client.refreshLogin().token().equals(login.token()));
        client.logOut();
        refused("logged out", client::refreshLogin);
    }

    private static void texts(InsightsClient client) {
        Sentiments.Sentiment found = client.analyzeSentiment(Sentiments.Request.of(HAPPY));
        show("sentiment", found.sentiment(), found.method(), found.analysis().keyPositives());
        Sentiments.BatchRequest batch = Sentiments.BatchRequest.of(List.of(
                new Sentiments.Text("a", HAPPY),
                new Sentiments.Text("b", "Terrible. I hate it.", "en"),
                new Sentiments.Text("c", "Gut", "de")));
        Sentiments.Results judged = client.analyzeBatch(batch);
        List<Object> results = new ArrayList<>();
        for (Sentiments.Result one : judged.results()) {
            results.add(one.error() == null ? one.sentiment() : one.error().code());
        }
        Sentiments.Summary counts = judged.summary();
        show("batch", results, List.of(counts.positiveCount(), counts.negativeCount(), counts.failedCount()));
        Sentiments.QueuedBatch queued = client.queueBatch(batch);
        Sentiments.QueuedBatch again = client.getBatch(queued.batchId());
        show("queued", queued.progress().total(), again.batchId().equals(queued.batchId()), again.results());
    }

    private static void privacy(InsightsClient client) {
        Privacy.AnonymizedText made = client.anonymize(Privacy.Request.of("Write to ann@example.com").keepingMapping());
        show("anonymized", made.anonymizedText(), new TreeSet<>(made.mapping().keySet()), made.piiDetected());
        Privacy.RestoredText restored = client.restore(made.mappingId(), "Dear [EMAIL_1]");
        show("restored", restored.text(), restored.restored());
        client.deleteMapping(made.mappingId());
        refused("forgotten", () -> client.restore(made.mappingId(), "Dear [EMAIL_1]"));
    }

    private static void fairness(InsightsClient client) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int at = 0; at < 40; at++) {
            rows.add(Map.of("age_group", at % 2 == 0 ? "18_30" : "31_45", "is_resolved", at % 4 != 0));
        }
        Fairness.Report report = client.analyzeFairness(
                Fairness.Request.of(rows, List.of("age_group"), List.of("is_resolved")).withMinGroupSize(2));
        Fairness.Finding finding = report.detailedFindings().get(0);
        show("fairness", report.rows(), new TreeSet<>(finding.disparities().keySet()));
        show("groups", finding.disparities().get("18_30").selectionRate(), finding.disparities().get("31_45").sampleSize());
        StringBuilder csv = new StringBuilder("age_group,is_resolved\n");
        for (Map<String, Object> row : rows) {
            csv.append(row.get("age_group")).append(',').append(row.get("is_resolved")).append('\n');
        }
        Fairness.Upload question =
                Fairness.Upload.of(List.of("age_group"), List.of("is_resolved")).withMinGroupSize(2);
        byte[] bytes = csv.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
        Fairness.Report whole = client.uploadFairness(BodyPublishers.ofByteArray(bytes), Fairness.Format.CSV, question);
        Fairness.Report streamed = client.uploadFairness(
                BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(bytes)),
                Fairness.Format.CSV,
                question);
        Double rate = whole.detailedFindings().get(0).disparities().get("18_30").selectionRate();
        show("uploaded", whole.rows(), rate, streamed.rows());
    }

    private static void models(InsightsClient client) {
        Models.ListedModels listed = client.listModels();
        show("models", listed.providers().stream().map(Models.Listed::id).toList(), listed.defaultProvider());
        Models.GenerateRequest request = Models.GenerateRequest.of("Say hello to a customer")
                .withMaxTokens(200)
                .withSystemPrompt("You are kind.")
                .withContext(Map.of("customer_segment", "premium"));
        Models.GeneratedText text = client.generate(request);
        show("generated", text.generatedText().contains("hello"), text.model(), text.complianceCheck().passed());
        show("usage", text.usage().totalTokens() > 0, text.finishReason());
        StringBuilder told = new StringBuilder();
        Models.GeneratedText whole = client.streamText(request, told::append);
        show("streamed", told.toString().equals(whole.generatedText()), told.length() > 0);
        Models.Embeddings vectors = client.embed(new Models.EmbedRequest(List.of("One", "Two"), "vectors", 8));
        show("embedded", vectors.embeddings().size(), vectors.dimensions(), vectors.embeddings().get(1).size());
        Models.Classification found = client.classify(new Models.ClassifyRequest("Hello", List.of("first_one", "secondOne")));
        double sum = found.classifications().values().stream().mapToDouble(share -> share).sum();
        show("classified", new TreeSet<>(found.classifications().keySet()), Math.abs(sum - 1) < 1e-9);
        Models.Explanation why = client.explain("sentiment", HAPPY);
        Models.Explained explained = why.explanation();
        show("explained", why.prediction().sentiment(), explained.featureImportance().get(0).feature(), explained.exact());
        show("picture", explained.visualizationUrl().startsWith(System.getenv("BASE_URL") + "/api/v1/ai/"));
    }

    private static void reviews(InsightsClient client, InsightsClient admin, String user) {
        Reviews.DraftedResponse draft = client.generateResponse(Reviews.ResponseRequest.of("Can I get a loan?")
                .withCustomer("cust-" + user)
                .withContext(Map.of("account_type", "savings")));
        boolean isShare = draft.confidence() >= 0 && draft.confidence() <= 1;
        show("drafted", draft.response().length() > 0, isShare, !draft.category().isEmpty());
        ReviewQueue reviews = client.reviews();
        String category = "advice-" + user;
        Reviews.Queued queued = reviews.queue(Reviews.Request.of("Which stocks?", "Diversify.", category)
                .withPriority(2)
                .withMetadata(Map.of("customer_id", "cust-" + user)));
        String id = queued.itemId();
        show("queued for review", queued.status(), id.startsWith("rev-"));
        Reviews.Page listed =
                reviews.list(Reviews.Filter.none().withStatus("queued").withCategory(category).withPage(5, 0));
        List<Object> items = new ArrayList<>();
        for (Reviews.Item one : listed.items()) {
            items.add(List.of(one.itemId().equals(id), one.priority(), one.source(), one.metadata()));
        }
        show("listed", items, listed.total());
        Reviews.Change ofCategory = Reviews.Change.none().withCategory(category);
        Reviews.Item claimed = reviews.claimNext(ofCategory).orElseThrow();
        show("claimed", claimed.itemId().equals(id), claimed.status(), claimed.claimedBy());
        show("nothing to claim", reviews.claimNext(ofCategory).orElse(null));
        Reviews.Comment comment = reviews.comment(id, "Looks fine");
        show("commented", comment.number(), comment.authorId(), comment.text());
        show("released", reviews.release(id).status());
        show("claimed again", reviews.claim(id).status());
        show("reassigned", reviews.reassign(id, "bob").claimedBy());
        refused("claimed by another", () -> reviews.decide(Reviews.Decision.of(id, true)));
        admin.reviews().reassign(id, user);
        show("changed", reviews.update(id, Reviews.Change.none().withPriority(1)).priority());
        Reviews.Decided decided = reviews.decide(
                Reviews.Decision.of(id, true).withFeedback("Good").withModifiedResponse("Diversify, carefully."));
        boolean isSame = decided.itemId().equals(id);
        show("decided", decided.status(), decided.reviewerId(), decided.approved(), isSame);
        Reviews.Item whole = reviews.get(id);
        Reviews.Given given = whole.decisions().get(0);
        String first = given.edits().diff().get(0).op();
        show("whole", whole.finalResponse(), whole.comments().size(), given.feedback(), first);
        Reviews.Agreement agreement = reviews.agreement(Summaries.Period.recent());
        show("agreement", agreement.items(), agreement.krippendorffAlpha(), agreement.pairs());
    }

    private static void figures(InsightsClient client) {
        Summaries.Summary summary = client.getSummary(Summaries.Period.recent().by("monthly"));
        boolean isKnown = summary.totalConversations() > 2;
        show("summary", isKnown, summary.sentimentDistribution().positive() > 0, summary.averageSatisfaction());
        Summaries.Group group = summary.timelineData().get(0);
        String day = group.date().substring(group.date().length() - 2);
        show("timeline", day, group.avgSentiment() > 0, summary.topIssues().get(0).count() > 0);
    }

    /** The operator may be as quick as the answer. */
    private static boolean isOneOf(String status, String... expected) {
        return List.of(expected).contains(status);
    }

    private static <T> T until(Supplier<T> read, Predicate<T> holds) throws InterruptedException {
        for (int tries = 0; tries < 400; tries++) {
            try {
                T found = read.get();
                if (holds.test(found)) {
                    return found;
                }
            } catch (ApiException notYet) {
                // It is asked again.
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException("The server has not come so far");
    }

    private static void training(InsightsClient client, String user) throws InterruptedException {
        TrainingJobs jobs = client.trainingJobs();
        Training.Started started = jobs.start(Training.Request.of("customerai-classifier", "s3://acme-data/train.csv")
                .withHyperparameters(Map.of("learning_rate", 0.5, "epochs", 3))
                .withInstances(2, "small"));
        String id = started.jobId();
        show("training", isOneOf(started.status(), "STARTING", "IN_PROGRESS"), started.modelOutputUri().equals("s3://acme-models/" + id + "/"));
        Training.Job running = until(() -> jobs.get(id), job -> job.progress().totalSteps() > 0);
        show("running", running.status(), running.progress().metrics(), running.hyperparameters());
        Training.Page page = jobs.list(Training.Filter.none().withStatus("IN_PROGRESS").withPage(1, 0));
        show("jobs", page.total(), page.jobs().get(0).jobId().equals(id));
        show("logs", jobs.logs(id));
        show("cancelled", isOneOf(jobs.cancel(id).status(), "CANCELLING", "CANCELLED", "IN_PROGRESS"));
        String name = "model-" + user;
        Serving.Deployment made = client.deployments().deploy(Serving.Request.of("s3://acme-models/some/", name)
                .withAutoScaling(new Serving.AutoScaling(1, 2, null))
                .withResources(new Serving.Resources("500m", null, null)));
        Map<String, String> resources = Map.of("cpu", made.resourceRequirements().cpu());
        show("deploying", isOneOf(made.status(), "CREATING", "IN_SERVICE"), made.autoScaling().targetUtilization(), resources);
        until(() -> client.deployments().get(name), one -> one.status().equals("IN_SERVICE"));
        List<String> texts = List.of("Honestly, your app was quick and friendly.", "The branch was rude and slow.");
        Serving.Predictions found = until(() -> client.deployments().predict(name, texts), any -> true);
        List<String> labels = found.predictions().stream().map(Serving.Prediction::label).toList();
        show("predicted", labels, found.predictions().get(0).scores().keySet());
        Serving.Listed listed = client.deployments().list();
        List<String> names = listed.deployments().stream().map(Serving.Deployment::deploymentName).toList();
        show("deployments", names, listed.total());
        show("undeployed", client.deployments().undeploy(made.deploymentId()).deploymentName());
    }

    private static void watch(InsightsClient client) throws Exception {
        CompletableFuture<Live.Status> status = new CompletableFuture<>();
        CompletableFuture<Live.QueueUpdate> told = new CompletableFuture<>();
        Live.Listener listener = new Live.Listener() {
            @Override
            public void onSystemStatus(Live.Status now, String timestamp) {
                status.complete(now);
            }

            @Override
            public void onQueueUpdate(Live.QueueUpdate update, String timestamp) {
                told.complete(update);
            }
        };
        try (LiveSession session = client.watch(listener)) {
            Live.Status now = status.get(20, TimeUnit.SECONDS);
            show("watching", now.status(), now.watching() > 0);
            client.reviews().queue(Reviews.Request.of("Q", "A", "live"));
            Live.QueueUpdate update = told.get(20, TimeUnit.SECONDS);
            show("told", update.action(), update.category(), update.queue().queued() > 0);
        }
    }

    private static void mayNotWatch(ClientOptions options) {
        CompletableFuture<ChaperoneException> end = new CompletableFuture<>();
        Live.Listener listener = new Live.Listener() {
            @Override
            public void onEnd(ChaperoneException error) {
                end.complete(error);
            }
        };
        try (LiveSession session = new InsightsClient(options, "nobody").watch(listener)) {
            refused("may not watch", () -> {
                throw end.orTimeout(20, TimeUnit.SECONDS).join();
            });
        }
    }

    /** Sends each prompt of the arguments, and prints what has come of it. */
    private static void faults(ClientOptions options, String[] prompts) {
        List<Double> delays = new ArrayList<>();
        ClientOptions hasty = options.withMaxRetries(1)
                .withTimeout(Duration.ofMillis(2_000))
                .withOnRetry(notice -> delays.add(notice.delay().toMillis() / 1000.0));
        InsightsClient client = new InsightsClient(hasty, "sk_1");
        List<String> streamed = Arrays.asList(System.getenv("STREAMED").split(","));
        for (String prompt : prompts) {
            Models.GenerateRequest request = Models.GenerateRequest.of(prompt);
            StringBuilder told = new StringBuilder();
            try {
                if (streamed.contains(prompt)) {
                    client.streamText(request, told::append);
                } else {
                    told.append(client.generate(request).generatedText());
                }
                show(prompt, told.toString());
            } catch (ChaperoneException error) {
                show(prompt, error.getClass().getSimpleName(), error.code());
            }
        }
        show("delays", delays);
    }
}
