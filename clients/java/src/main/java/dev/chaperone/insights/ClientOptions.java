package dev.chaperone.insights;

import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What a client is made of. Each method returns options with one more thing said.
 *
 * @param baseUrl where Chaperone is, without /api/v1, such as https://insights.example.com
 * @param timeout how long the server may be silent
 * @param maxRetries attempts after the first
 * @param maxRetryDelay the longest wait before an attempt; a longer Retry-After is thrown at once
 * @param onRetry hears of each attempt that is repeated; what it throws ends the request
 * @param http used in place of a new one, such as for proxies and certificates
 */
public record ClientOptions(
        String baseUrl,
        Duration timeout,
        int maxRetries,
        Duration maxRetryDelay,
        Consumer<RetryNotice> onRetry,
        HttpClient http) {

    /** An attempt has failed, and there will be another after the delay. */
    public record RetryNotice(ChaperoneException error, int failures, Duration delay) {}

    /** @throws ChaperoneException.Configuration where something is not valid */
    public ClientOptions {
        baseUrl = checkBaseUrl(baseUrl);
        if (timeout.isNegative() || timeout.isZero() || maxRetries < 0 || maxRetryDelay.isNegative()) {
            throw new ChaperoneException.Configuration("timeout, maxRetries and maxRetryDelay must not be negative");
        }
    }

    /** At this address. */
    public static ClientOptions at(String baseUrl) {
        Consumer<RetryNotice> nobody = notice -> {};
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return new ClientOptions(baseUrl, Duration.ofSeconds(60), 3, Duration.ofSeconds(60), nobody, http);
    }

    /** At the address in CHAPERONE_BASE_URL_PRODUCTION, else in CHAPERONE_BASE_URL. */
    public static ClientOptions fromEnvironment() {
        return fromEnvironment("production");
    }

    /**
     * At the address of an environment, such as that of CHAPERONE_BASE_URL_STAGING for "staging", else that of
     * CHAPERONE_BASE_URL; for "local", else http://127.0.0.1:8000.
     */
    public static ClientOptions fromEnvironment(String environment) {
        Map<String, String> variables = System.getenv();
        String name = "CHAPERONE_BASE_URL_" + environment.toUpperCase(java.util.Locale.ROOT).replaceAll("[^A-Z0-9]", "_");
        String stated = variables.getOrDefault(name, variables.get("CHAPERONE_BASE_URL"));
        if (stated == null && environment.equals("local")) {
            stated = "http://127.0.0.1:8000";
        }
        if (stated == null) {
            throw new ChaperoneException.Configuration(name + " or CHAPERONE_BASE_URL is needed in the environment");
        }
        return at(stated);
    }

    public ClientOptions withTimeout(Duration value) {
        return new ClientOptions(baseUrl, value, maxRetries, maxRetryDelay, onRetry, http);
    }

    public ClientOptions withMaxRetries(int value) {
        return new ClientOptions(baseUrl, timeout, value, maxRetryDelay, onRetry, http);
    }

    public ClientOptions withMaxRetryDelay(Duration value) {
        return new ClientOptions(baseUrl, timeout, maxRetries, value, onRetry, http);
    }

    public ClientOptions withOnRetry(Consumer<RetryNotice> value) {
        return new ClientOptions(baseUrl, timeout, maxRetries, maxRetryDelay, value, http);
    }

    public ClientOptions withHttp(HttpClient value) {
        return new ClientOptions(baseUrl, timeout, maxRetries, maxRetryDelay, onRetry, value);
    }

    private static String checkBaseUrl(String stated) {
        try {
            URI address = URI.create(stated);
            if (("http".equals(address.getScheme()) || "https".equals(address.getScheme())) && address.getHost() != null) {
                return stated.replaceAll("/+$", "");
            }
        } catch (IllegalArgumentException | NullPointerException notAnAddress) {
            // The same as another one that is none.
        }
        throw new ChaperoneException.Configuration("baseUrl must be an address that begins with http:// or https://");
    }
}
