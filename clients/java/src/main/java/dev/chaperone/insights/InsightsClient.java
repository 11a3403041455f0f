package dev.chaperone.insights;

import com.google.gson.JsonObject;
import java.net.http.HttpRequest;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A client of Chaperone's insights API: what customers say and how they fare. Each method throws a
 * {@link ChaperoneException}, and repeats what may pass: refused connections, timeouts, 429 and 5xx. A POST has an
 * Idempotency-Key, so what has arrived is not done twice. Threads may share a client.
 */
public final class InsightsClient {
    private final Transport transport;
    private volatile Accounts.Login login;

    /**
     * A client that sends a key or a token.
     *
     * @throws ChaperoneException.Configuration where that has spaces
     */
    public InsightsClient(ClientOptions options, String apiKey) {
        transport = new Transport(options, apiKey);
    }

    /** Logs in with a password, and makes a client that sends the token. */
    public static InsightsClient logIn(ClientOptions options, String username, String password) {
        InsightsClient client = new InsightsClient(options, "none");
        client.keep(client.post("/auth/login", Map.of("username", username, "password", password), Accounts.Login.class));
        return client;
    }

    /** How the client is logged in. Empty: it was made with a key or a token. */
    public Optional<Accounts.Login> login() {
        return Optional.ofNullable(login);
    }

    /** How many requests may be made, as the last answer said it. Empty before the first one. */
    public Optional<RateLimit> rateLimit() {
        return Optional.ofNullable(transport.rateLimit());
    }

    /** Replaces the token of the login by a new one. */
    public Accounts.Login refreshLogin() {
        Map<String, String> body = Map.of("refresh_token", requireLogin().refreshToken());
        return keep(post("/auth/refresh", body, Accounts.Login.class));
    }

    /** Ends the login, with all of its tokens. */
    public void logOut() {
        requireLogin();
        post("/auth/logout", Map.of(), Void.class);
        login = null;
    }

    /** Says how a text sounds. */
    public Sentiments.Sentiment analyzeSentiment(Sentiments.Request request) {
        return post("/analyze/sentiment", request, Sentiments.Sentiment.class);
    }

    /** Says how many texts sound, and waits for all of them. */
    public Sentiments.Results analyzeBatch(Sentiments.BatchRequest request) {
        return post("/analyze/batch", request, Sentiments.Results.class);
    }

    /** Leaves a batch to a worker. */
    public Sentiments.QueuedBatch queueBatch(Sentiments.BatchRequest request) {
        return post("/analyze/batch", request.queued(), Sentiments.QueuedBatch.class);
    }

    /** Says how far a batch is that a worker judges; at the end, with its results. */
    public Sentiments.QueuedBatch getBatch(String batchId) {
        return transport.send("GET", "/analyze/batch/" + Query.escape(batchId), null, Sentiments.QueuedBatch.class);
    }

    /** Replaces personal data by placeholders. */
    public Privacy.AnonymizedText anonymize(Privacy.Request request) {
        return post("/privacy/anonymize", request, Privacy.AnonymizedText.class);
    }

    /** Puts the values of a kept mapping back. */
    public Privacy.RestoredText restore(String mappingId, String text) {
        return post("/privacy/restore", Map.of("mapping_id", mappingId, "text", text), Privacy.RestoredText.class);
    }

    /** Forgets a kept mapping. */
    public void deleteMapping(String mappingId) {
        transport.send("DELETE", "/privacy/mappings/" + Query.escape(mappingId), null, Void.class);
    }

    /** Compares how groups fare. For analysts, reviewers and admins. */
    public Fairness.Report analyzeFairness(Fairness.Request request) {
        return post("/fairness/analyze", request, Fairness.Report.class);
    }

    /**
     * Compares how groups fare, by a dataset of any length, which the server reads while it arrives. It may take five
     * minutes.
     *
     * @param rows such as {@code BodyPublishers.ofFile(path)}
     */
    public Fairness.Report uploadFairness(
            HttpRequest.BodyPublisher rows, Fairness.Format format, Fairness.Upload question) {
        String path = "/fairness/analyze/upload" + Query.of(question);
        return transport.upload(path, rows, format.mediaType(), Fairness.Report.class);
    }

    /** Drafts an answer to a customer. One that a person must see is queued for review by itself. */
    public Reviews.DraftedResponse generateResponse(Reviews.ResponseRequest request) {
        return post("/generate/response", request, Reviews.DraftedResponse.class);
    }

    /** Answers that people look at. */
    public ReviewQueue reviews() {
        return new ReviewQueue(transport);
    }

    /** Sums up what customers said. For analysts, reviewers and admins. */
    public Summaries.Summary getSummary(Summaries.Period period) {
        return transport.send("GET", "/analytics/summary" + Query.of(period), null, Summaries.Summary.class);
    }

    /**
     * Tells what happens, for analysts, reviewers and admins. A session that ends is begun anew.
     *
     * @return to be closed; nothing is told any more then
     */
    public LiveSession watch(Live.Listener listener) {
        return new LiveSession(transport, listener);
    }

    /** Models that are trained in the cluster. */
    public TrainingJobs trainingJobs() {
        return new TrainingJobs(transport);
    }

    /** Trained models that answer calls. */
    public Deployments deployments() {
        return new Deployments(transport);
    }

    /** Lists the models that can be asked. */
    public Models.ListedModels listModels() {
        return transport.send("GET", "/ai/providers", null, Models.ListedModels.class);
    }

    /** Has a model write a text. */
    public Models.GeneratedText generate(Models.GenerateRequest request) {
        return post("/ai/generate", request, Models.GeneratedText.class);
    }

    /**
     * Has a model write a text, and tells it while it is written. Where the connection breaks, it goes on with what was not
     * told yet.
     *
     * @param onText hears more of the text each time; what it throws ends the connection
     * @return the whole text
     * @throws ChaperoneException.Stream what the server says has gone wrong after the beginning
     * @throws ChaperoneException "stream_interrupted": the server has begun another text
     */
    public Models.GeneratedText streamText(Models.GenerateRequest request, Consumer<String> onText) {
        StringBuilder told = new StringBuilder();
        return transport.attempts("POST", "/ai/generate", request.streamed(), chunks -> readText(chunks, told, onText));
    }

    /** Has a model make vectors of texts. */
    public Models.Embeddings embed(Models.EmbedRequest request) {
        return post("/ai/embed", request, Models.Embeddings.class);
    }

    /** Has a model say which category a text belongs to. */
    public Models.Classification classify(Models.ClassifyRequest request) {
        return post("/ai/classify", request, Models.Classification.class);
    }

    /**
     * Says what each word of a text adds to what a model says of it.
     *
     * @param modelName "sentiment", or a deployed model
     */
    public Models.Explanation explain(String modelName, String text) {
        Map<String, Object> body =
                Map.of("model_name", modelName, "data", Map.of("text", text), "explanation_method", "shap");
        return post("/ai/explain", body, Models.Explanation.class);
    }

    private Models.GeneratedText readText(Chunks chunks, StringBuilder told, Consumer<String> onText) {
        EventReader reader = new EventReader();
        StringBuilder text = new StringBuilder();
        for (byte[] chunk = transport.next(chunks); chunk != null; chunk = transport.next(chunks)) {
            for (EventReader.Event event : reader.feed(chunk)) {
                switch (event.name()) {
                    case "delta" -> {
                        text.append(Transport.readObject(event.data()).get("text").getAsString());
                        tell(text, told, onText);
                    }
                    case "done" -> {
                        return Transport.readData(event.data(), Models.GeneratedText.class);
                    }
                    case "error" -> {
                        JsonObject problem = Transport.readObject(event.data());
                        throw new ChaperoneException.Stream(
                                problem.get("code").getAsString(), problem.get("message").getAsString());
                    }
                    default -> {
                        // Of a later version.
                    }
                }
            }
        }
        throw new ChaperoneException.Connection("The stream has ended before the text was whole", null);
    }

    private static void tell(StringBuilder text, StringBuilder told, Consumer<String> onText) {
        int common = Math.min(text.length(), told.length());
        if (!text.substring(0, common).contentEquals(told.substring(0, common))) {
            String message = "The connection broke, and the server has begun another text";
            throw new ChaperoneException("stream_interrupted", message);
        }
        if (text.length() > told.length()) {
            String more = text.substring(told.length());
            told.append(more);
            onText.accept(more);
        }
    }

    private <T> T post(String path, Object body, Class<T> type) {
        return transport.send("POST", path, body, type);
    }

    private Accounts.Login keep(Accounts.Login given) {
        login = given;
        transport.use(given.token());
        return given;
    }

    private Accounts.Login requireLogin() {
        Accounts.Login current = login;
        if (current == null) {
            throw new ChaperoneException("not_logged_in", "The client was not made by logIn, or has logged out");
        }
        return current;
    }
}
