package dev.chaperone.insights;

import java.util.Map;
import java.util.Optional;

/** Answers that people look at: {@link InsightsClient#reviews}. */
public final class ReviewQueue {
    private static final String ROOT = "/review/items";

    private final Transport transport;

    ReviewQueue(Transport transport) {
        this.transport = transport;
    }

    /** Queues an answer. */
    public Reviews.Queued queue(Reviews.Request request) {
        return transport.send("POST", "/review/queue", request, Reviews.Queued.class);
    }

    /** Decides about an item. For reviewers and admins. */
    public Reviews.Decided decide(Reviews.Decision decision) {
        return transport.send("POST", "/review/decision", decision, Reviews.Decided.class);
    }

    /** Lists items: open ones in the order of their turn, then decided ones, the latest first. For staff. */
    public Reviews.Page list(Reviews.Filter filter) {
        return transport.send("GET", ROOT + Query.of(filter), null, Reviews.Page.class);
    }

    /** Gets an item: any for staff, else one that you have queued. */
    public Reviews.Item get(String itemId) {
        return transport.send("GET", at(itemId), null, Reviews.Item.class);
    }

    /** Changes the priority or the category. For reviewers and admins. */
    public Reviews.Item update(String itemId, Reviews.Change change) {
        return transport.send("PATCH", at(itemId), change, Reviews.Item.class);
    }

    /** Claims the item whose turn it is. No two reviewers get one. Empty: there is none. */
    public Optional<Reviews.Item> claimNext() {
        return claimNext(Reviews.Change.none());
    }

    /** Claims the item whose turn it is, of this category or priority. */
    public Optional<Reviews.Item> claimNext(Reviews.Change filter) {
        return Optional.ofNullable(transport.send("POST", "/review/claim", filter, Reviews.Claimed.class).item());
    }

    /** Claims an item, or keeps one longer. */
    public Reviews.Item claim(String itemId) {
        return transport.send("POST", at(itemId) + "/claim", null, Reviews.Item.class);
    }

    /** Gives a claimed item back. */
    public Reviews.Item release(String itemId) {
        return transport.send("POST", at(itemId) + "/release", null, Reviews.Item.class);
    }

    /** Gives an item to another reviewer. */
    public Reviews.Item reassign(String itemId, String reviewerId) {
        Map<String, String> body = Map.of("reviewer_id", reviewerId);
        return transport.send("POST", at(itemId) + "/reassign", body, Reviews.Item.class);
    }

    /** Comments on an item. For staff. */
    public Reviews.Comment comment(String itemId, String text) {
        return transport.send("POST", at(itemId) + "/comments", Map.of("text", text), Reviews.Comment.class);
    }

    /** Says how far reviewers agree about the items that two of them have seen. For staff. */
    public Reviews.Agreement agreement(Summaries.Period period) {
        return transport.send("GET", "/review/agreement" + Query.of(period), null, Reviews.Agreement.class);
    }

    private static String at(String itemId) {
        return ROOT + "/" + Query.escape(itemId);
    }
}
