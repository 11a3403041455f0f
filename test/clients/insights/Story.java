import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.chaperone.insights.Accounts;
import dev.chaperone.insights.ApiException;
import dev.chaperone.insights.ChaperoneException;
import dev.chaperone.insights.ClientOptions;
import dev.chaperone.insights.Fairness;
import dev.chaperone.insights.InsightsClient;
import dev.chaperone.insights.Models;
import dev.chaperone.insights.Privacy;
import dev.chaperone.insights.Reviews;
import dev.chaperone.insights.Sentiments;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

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

    public static void main(String[] arguments) {
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
        reviews(client, user);
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

    private static void reviews(InsightsClient client, String user) {
        Reviews.DraftedResponse draft = client.generateResponse(Reviews.ResponseRequest.of("Can I get a loan?")
                .withCustomer("cust-" + user)
                .withContext(Map.of("account_type", "savings")));
        boolean isShare = draft.confidence() >= 0 && draft.confidence() <= 1;
        show("drafted", draft.response().length() > 0, isShare, !draft.category().isEmpty());
        Reviews.Queued queued = client.queueReview(Reviews.Request.of("Which stocks?", "Diversify.", "investment_advice")
                .withPriority(2)
                .withMetadata(Map.of("customer_id", "cust-" + user)));
        show("queued for review", queued.status(), queued.itemId().startsWith("rev-"));
        Reviews.Decided decided = client.decideReview(Reviews.Decision.of(queued.itemId(), true)
                .withFeedback("Good")
                .withModifiedResponse("Diversify, carefully."));
        boolean isSame = decided.itemId().equals(queued.itemId());
        show("decided", decided.status(), decided.reviewerId(), decided.approved(), isSame);
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
