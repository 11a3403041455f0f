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

    /**
     * What a reviewer has decided.
     *
     * @param reviewerId null: the user was erased
     */
    record Given(String reviewerId, boolean approved, String feedback, Edited edits, String decidedAt) {}

    /** @param diff what was changed, by words */
    record Edited(String modifiedResponse, List<Part> diff) {}

    /** @param op "equal", "insert" or "delete" */
    record Part(String op, String text) {}

    record Comment(int number, String authorId, String text, String createdAt) {}

    /**
     * An answer in the queue.
     *
     * @param status "queued", "in_review" (a reviewer has claimed it) or "reviewed"
     * @param source what has queued it: "api", "generation" or "guardrail"
     * @param reviews how many reviewers have decided
     * @param approved null: it is not decided
     * @param finalResponse what the customer may get; null: it is not approved, or not yet
     * @param decisions for staff; those of others are hidden until the item is decided; null: it is from a list
     * @param comments for staff; null: it is from a list
     */
    record Item(
            String itemId,
            String status,
            String category,
            int priority,
            String source,
            String query,
            String response,
            Map<String, Object> metadata,
            String queuedBy,
            String claimedBy,
            String claimedUntil,
            int reviews,
            int reviewsNeeded,
            Boolean approved,
            boolean edited,
            String finalResponse,
            int commentCount,
            String createdAt,
            String updatedAt,
            String reviewedAt,
            List<Given> decisions,
            List<Comment> comments) {}

    record Claimed(Item item) {}

    record Page(List<Item> items, int total, int limit, int offset) {}

    record Filter(
            String status, String category, Integer priority, String claimedBy, Integer limit, Integer offset) {
        public static Filter none() {
            return new Filter(null, null, null, null, null, null);
        }

        public Filter withStatus(String value) {
            return new Filter(value, category, priority, claimedBy, limit, offset);
        }

        public Filter withCategory(String value) {
            return new Filter(status, value, priority, claimedBy, limit, offset);
        }

        public Filter withPriority(int value) {
            return new Filter(status, category, value, claimedBy, limit, offset);
        }

        public Filter withClaimedBy(String value) {
            return new Filter(status, category, priority, value, limit, offset);
        }

        public Filter withPage(int newLimit, int newOffset) {
            return new Filter(status, category, priority, claimedBy, newLimit, newOffset);
        }
    }

    /** What to change of an item, or which to claim. */
    record Change(Integer priority, String category) {
        public static Change none() {
            return new Change(null, null);
        }

        public Change withPriority(int value) {
            return new Change(value, category);
        }

        public Change withCategory(String value) {
            return new Change(priority, value);
        }
    }

    /**
     * How far two reviewers agree. Null: nothing can be said.
     *
     * @param kappa Cohen's
     */
    record Pair(
            List<String> reviewers,
            int items,
            int bothApprove,
            int bothReject,
            int onlyFirstApproves,
            int onlySecondApproves,
            double observedAgreement,
            double expectedAgreement,
            Double kappa,
            List<Double> confidenceInterval) {}

    record Agreement(
            String startDate,
            String endDate,
            int items,
            Double observedAgreement,
            Double krippendorffAlpha,
            List<Pair> pairs) {}
}
