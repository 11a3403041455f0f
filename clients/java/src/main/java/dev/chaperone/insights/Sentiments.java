package dev.chaperone.insights;

import java.util.List;

/** How texts sound: what is asked, and what is answered. Null: it is not stated, or there is none. */
public interface Sentiments {
    /**
     * A text.
     *
     * @param useAi whether a model is asked; otherwise no provider is, and only English is understood
     * @param model the model, or an alias
     * @param language such as "en"; null: it is found out
     */
    record Request(String text, Boolean useAi, String model, String language) {
        public static Request of(String text) {
            return new Request(text, null, null, null);
        }

        public Request withAi(String value) {
            return new Request(text, true, value, language);
        }

        public Request withLanguage(String value) {
            return new Request(text, useAi, model, value);
        }
    }

    /**
     * The three shares sum to one but for their rounding.
     *
     * @param sentiment "positive", "negative" or "neutral"
     * @param compound from -1 to 1, without a model
     * @param method "vader" or "ai"
     */
    record Sentiment(
            String sentiment,
            double positive,
            double negative,
            double neutral,
            Double compound,
            Analysis analysis,
            String method) {}

    /** @param satisfactionScore from 1 to 10 */
    record Analysis(int satisfactionScore, List<String> keyPositives, List<String> keyNegatives) {}

    /** A text of a batch, with an id of yours. */
    record Text(String id, String text, String language) {
        public Text(String id, String text) {
            this(id, text, null);
        }
    }

    /** Up to 1,000 texts. */
    record BatchRequest(List<Text> conversations, Boolean useAi, String model, Boolean async) {
        public static BatchRequest of(List<Text> conversations) {
            return new BatchRequest(conversations, null, null, null);
        }

        public BatchRequest withAi(String value) {
            return new BatchRequest(conversations, true, value, async);
        }

        BatchRequest queued() {
            return new BatchRequest(conversations, useAi, model, true);
        }
    }

    /** What became of a text: the shares, or the error. */
    record Result(
            String id,
            String sentiment,
            Double positive,
            Double negative,
            Double neutral,
            Double compound,
            Problem error) {}

    record Problem(String code, String message) {}

    record Summary(int positiveCount, int negativeCount, int neutralCount, int failedCount) {}

    /** @param results in the order of the texts */
    record Results(List<Result> results, Summary summary) {}

    record Progress(int total, int done, int failed) {}

    /**
     * A batch that a worker judges. Once it is completed, it has results.
     *
     * @param status "queued", "processing", "completed" or "failed"
     */
    record QueuedBatch(
            String batchId,
            String status,
            Progress progress,
            String createdAt,
            String completedAt,
            List<Result> results,
            Summary summary,
            Problem failure) {}
}
