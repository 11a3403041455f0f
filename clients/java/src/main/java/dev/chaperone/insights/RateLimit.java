package dev.chaperone.insights;

import java.net.http.HttpHeaders;
import java.time.Instant;
import java.util.OptionalLong;

/**
 * How many requests may be made, as the last answer said it.
 *
 * @param resetAt when the count begins anew
 */
public record RateLimit(long limit, long remaining, Instant resetAt) {
    static RateLimit read(HttpHeaders headers) {
        OptionalLong limit = headers.firstValueAsLong("x-rate-limit-limit");
        OptionalLong remaining = headers.firstValueAsLong("x-rate-limit-remaining");
        OptionalLong reset = headers.firstValueAsLong("x-rate-limit-reset");
        if (limit.isEmpty() || remaining.isEmpty() || reset.isEmpty()) {
            return null;
        }
        return new RateLimit(limit.getAsLong(), remaining.getAsLong(), Instant.ofEpochSecond(reset.getAsLong()));
    }
}
