package dev.chaperone.insights;

/** What happens in the organization, as it is told to those who watch. Null: there is none. */
public interface Live {
    /** What waits for reviewers. */
    record Depth(int queued, int inReview, String oldestAt) {}

    /**
     * How the proxy fares that the session is at.
     *
     * @param status "ok" or "degraded"
     * @param database "ok" or "away"
     */
    record Status(
            String status,
            String organization,
            String database,
            Double configurationAgeSeconds,
            int recordsWaiting,
            double oldestRecordSeconds,
            double callsPerMinute,
            Double failedShare,
            Double averageResponseSeconds,
            Depth queue,
            int watching,
            long uptimeSeconds) {}

    /** @param action such as "queued", "claimed", "released" and "decided" */
    record QueueUpdate(String action, String itemId, String status, String category, int priority, Depth queue) {}

    /**
     * Of a text of a very unhappy customer. It has no word of it.
     *
     * @param textId of a batch: the id that you have given
     * @param method "vader" or "ai"
     */
    record SentimentAlert(
            String requestId,
            String textId,
            String sentiment,
            double positive,
            double negative,
            double neutral,
            String method) {}

    /** Hears of what happens, one event after the other, in a thread of the client. */
    interface Listener {
        /** A session has begun. What happened before it is not told: read the queue now. */
        default void onConnected() {}

        default void onSystemStatus(Status status, String timestamp) {}

        default void onQueueUpdate(QueueUpdate update, String timestamp) {}

        default void onSentimentAlert(SentimentAlert alert, String timestamp) {}

        /** Nothing more is told: the caller may not watch, or the server cannot be reached. */
        default void onEnd(ChaperoneException error) {}
    }
}
