package dev.chaperone.insights;

import java.time.Instant;
import java.util.List;

/** What logging in answers. */
public interface Accounts {
    /**
     * A login, and what it opens.
     *
     * @param token for requests; a client that was made by {@link InsightsClient#logIn} sends it
     * @param refreshToken gets the next token, once
     */
    record Login(
            String token,
            String userId,
            List<String> roles,
            String expiresAt,
            String refreshToken,
            String refreshExpiresAt) {
        public Instant expires() {
            return Instant.parse(expiresAt);
        }

        /** Without what opens anything. */
        @Override
        public String toString() {
            return "Login[userId=" + userId + ", roles=" + roles + ", expiresAt=" + expiresAt + "]";
        }
    }
}
