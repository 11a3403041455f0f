package dev.chaperone.insights;

import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Counts the failures of a request. That the same request still runs, since the connection broke while it did, is no
 * failure of its own: that is waited for as long as an attempt may take.
 */
final class Retries {
    private static final long FIRST_DELAY_MS = 500;
    private static final Set<Integer> MAY_PASS = Set.of(408, 429, 500, 502, 503, 504);

    private final ClientOptions options;
    private int failures;
    private long waitsUntilNs;

    Retries(ClientOptions options) {
        this.options = options;
    }

    int failures() {
        return failures;
    }

    /** How long to wait before another attempt, in milliseconds. Empty: there is none. */
    OptionalLong delayAfter(ChaperoneException error) {
        long now = System.nanoTime();
        boolean first = failures == 0;
        if (isRunning(error) && waitsUntilNs == 0) {
            waitsUntilNs = now + options.timeout().toNanos();
        }
        if (first || !isRunning(error) || now >= waitsUntilNs) {
            failures++;
        }
        return chooseDelay(error, failures, options.maxRetries(), options.maxRetryDelay(), Math.random());
    }

    /**
     * As long as Retry-After says and up to a quarter more, so that clients which were refused together do not come back
     * together. Where the server says nothing, a random time of up to 0.5, 1, 2, … seconds.
     *
     * @param share random, from 0 to 1
     * @see <a href="https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/">Exponential backoff</a>
     */
    static OptionalLong chooseDelay(
            ChaperoneException error, int failures, int maxRetries, Duration maxRetryDelay, double share) {
        if (failures > maxRetries || !mayPass(error)) {
            return OptionalLong.empty();
        }
        long longest = maxRetryDelay.toMillis();
        Duration asked = error instanceof ApiException refused ? refused.retryAfter().orElse(null) : null;
        if (asked == null) {
            return OptionalLong.of((long) (Math.min(longest, FIRST_DELAY_MS * Math.pow(2, failures - 1)) * share));
        }
        if (asked.toMillis() > longest) {
            return OptionalLong.empty();
        }
        return OptionalLong.of((long) Math.min(longest, asked.toMillis() * (1 + share / 4)));
    }

    private static boolean mayPass(ChaperoneException error) {
        if (error instanceof ChaperoneException.Connection || error instanceof ChaperoneException.Timeout) {
            return true;
        }
        return error instanceof ApiException refused
                && !refused.isFinal()
                && (MAY_PASS.contains(refused.status()) || isRunning(error));
    }

    private static boolean isRunning(ChaperoneException error) {
        return error.code().equals("idempotency_in_progress");
    }

    /** Null: the header is absent, or says neither seconds nor a date. */
    static Duration readRetryAfter(String header, ZonedDateTime now) {
        if (header == null) {
            return null;
        }
        if (header.strip().matches("\\d{1,9}(\\.\\d+)?")) {
            return Duration.ofMillis(Math.round(Double.parseDouble(header.strip()) * 1000));
        }
        try {
            Duration left = Duration.between(now, ZonedDateTime.parse(header, DateTimeFormatter.RFC_1123_DATE_TIME));
            return left.isNegative() ? Duration.ZERO : left;
        } catch (DateTimeParseException notADate) {
            return null;
        }
    }
}
