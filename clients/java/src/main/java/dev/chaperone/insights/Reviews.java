package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** Answers to customers, and people who look at them: what is asked, and what is answered. Null: it is not stated. */
public interface Reviews {
    /**
     * What a customer asks.
     *
     * @param customerId whose words they are
     * @param context what you know of the customer; the model is told
     */
    record ResponseRequest(String query, String customerId, Map<String, Object> context, String model) {
        public static ResponseRequest of(String query) {
            return new ResponseRequest(query, null, null, null);
        }

        public ResponseRequest withCustomer(String value) {
            return new ResponseRequest(query, value, context, model);
        }

        public ResponseRequest withContext(Map<String, Object> value) {
            return new ResponseRequest(query, customerId, value, model);
        }

        public ResponseRequest withModel(String value) {
            return new ResponseRequest(query, customerId, context, value);
        }
    }

    /**
     * The draft of an answer.
     *
     * @param sources ids of articles
     * @param reviewReasons "low_confidence", "category", "guardrail"
     * @param itemId in the review queue; null: it is not queued
     */
    record DraftedResponse(
            String response,
            String category,
            boolean requiresHumanReview,
            double confidence,
            List<String> alternativeResponses,
            List<String> sources,
            List<String> reviewReasons,
            String itemId,
            String estimatedReviewTime) {}

    /**
     * An answer for the queue.
     *
     * @param priority from 1, the most urgent, to 5
     * @param metadata customer_id says whose words they are
     * @param doubleReview whether two reviewers must agree; null: as the organization says
     */
    record Request(
            String query,
            String response,
            String category,
            Integer priority,
            Map<String, Object> metadata,
            Boolean doubleReview) {
        public static Request of(String query, String response, String category) {
            return new Request(query, response, category, null, null, null);
        }

        public Request withPriority(int value) {
            return new Request(query, response, category, value, metadata, doubleReview);
        }

        public Request withMetadata(Map<String, Object> value) {
            return new Request(query, response, category, priority, value, doubleReview);
        }

        public Request withDoubleReview(boolean value) {
            return new Request(query, response, category, priority, metadata, value);
        }
    }

    record Queued(String itemId, String status, String estimatedReviewTime) {}

    record Edits(String modifiedResponse) {}

    /** What a reviewer decides. */
    record Decision(String itemId, boolean approved, String feedback, Edits edits) {
        public static Decision of(String itemId, boolean approved) {
            return new Decision(itemId, approved, null, null);
        }

        public Decision withFeedback(String value) {
            return new Decision(itemId, approved, value, edits);
        }

        public Decision withModifiedResponse(String value) {
            return new Decision(itemId, approved, feedback, new Edits(value));
        }
    }

    /**
     * What has come of it.
     *
     * @param status "reviewed", or "queued" where another reviewer must decide, too
     * @param approved what the reviewers have come to; null: another one must decide
     */
    record Decided(String itemId, String status, String reviewTime, String reviewerId, Boolean approved) {}
}
