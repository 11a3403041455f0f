package dev.chaperone.insights;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.reflect.TypeToken;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** Sends requests, and repeats them where that helps. */
final class Transport {
    /** Fields of Java as the API names them: maxTokens is max_tokens. */
    static final Gson JSON =
            new GsonBuilder().setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES).create();

    /** How long the server reads a dataset at most. */
    private static final Duration UPLOAD = Duration.ofMinutes(5);

    private final ClientOptions options;
    private volatile String token;
    private volatile RateLimit rateLimit;

    Transport(ClientOptions options, String token) {
        if (token == null || !token.matches("[\\x21-\\x7e]+")) {
            throw new ChaperoneException.Configuration("The key or token must have no spaces");
        }
        this.options = options;
        this.token = token;
    }

    void use(String newToken) {
        token = newToken;
    }

    RateLimit rateLimit() {
        return rateLimit;
    }

    /** The data of an answer. */
    <T> T send(String method, String path, Object body, Class<T> type) {
        return attempts(method, path, body, chunks -> readData(readAll(chunks), type));
    }

    /** An answer that is no JSON. */
    String sendForText(String method, String path) {
        return attempts(method, path, null, this::readAll);
    }

    /** The data of an answer to a body that is no JSON. */
    <T> T upload(String path, HttpRequest.BodyPublisher body, String mediaType, Class<T> type) {
        HttpRequest request = address("POST", "/api/v1" + path)
                .header("Content-Type", mediaType)
                .POST(body)
                .build();
        Duration patience = options.timeout().compareTo(UPLOAD) > 0 ? options.timeout() : UPLOAD;
        return attempts(request, patience, chunks -> readData(readAll(chunks), type));
    }

    /** Asks what is not below /api/v1, once, for the error that it gets. */
    void probe(String path) {
        try (Chunks chunks = attempt(address("GET", path).GET().build(), options.timeout())) {
            readAll(chunks);
        }
    }

    /** Begins a session at what is not below /api/v1. */
    CompletableFuture<WebSocket> open(String path, WebSocket.Listener listener) {
        URI address = URI.create(options.baseUrl().replaceFirst("^http", "ws") + path);
        return options.http()
                .newWebSocketBuilder()
                .header("Authorization", "Bearer " + token)
                .connectTimeout(options.timeout())
                .buildAsync(address, listener);
    }

    ClientOptions options() {
        return options;
    }

    /** Reads an answer, at each attempt from its beginning. */
    <T> T attempts(String method, String path, Object body, Function<Chunks, T> read) {
        return attempts(build(method, path, body), options.timeout(), read);
    }

    private <T> T attempts(HttpRequest request, Duration patience, Function<Chunks, T> read) {
        Retries retries = new Retries(options);
        while (true) {
            try (Chunks chunks = attempt(request, patience)) {
                return read.apply(chunks);
            } catch (ChaperoneException error) {
                OptionalLong delay = retries.delayAfter(error);
                if (delay.isEmpty()) {
                    throw error;
                }
                Duration wait = Duration.ofMillis(delay.getAsLong());
                options.onRetry().accept(new ClientOptions.RetryNotice(error, retries.failures(), wait));
                sleep(wait);
            }
        }
    }

    byte[] next(Chunks chunks) {
        return chunks.next(options.timeout());
    }

    private HttpRequest build(String method, String path, Object body) {
        HttpRequest.Builder builder = address(method, "/api/v1" + path);
        if (body == null) {
            return builder.method(method, HttpRequest.BodyPublishers.noBody()).build();
        }
        return builder.header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(JSON.toJson(body)))
                .build();
    }

    private HttpRequest.Builder address(String method, String path) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(options.baseUrl() + path))
                .header("Authorization", "Bearer " + token);
        return method.equals("POST") ? builder.header("Idempotency-Key", UUID.randomUUID().toString()) : builder;
    }

    /** One attempt: the body of an answer whose head has arrived. */
    private Chunks attempt(HttpRequest request, Duration patience) {
        HttpResponse<Chunks> response = await(options.http().sendAsync(request, Chunks.handler()), patience);
        HttpHeaders headers = response.headers();
        RateLimit told = RateLimit.read(headers);
        if (told != null) {
            rateLimit = told;
        }
        if (response.statusCode() / 100 == 2) {
            return response.body();
        }
        try (Chunks body = response.body()) {
            throw ApiException.of(response.statusCode(), readProblem(response.statusCode(), headers, readAll(body)));
        }
    }

    private static HttpResponse<Chunks> await(CompletableFuture<HttpResponse<Chunks>> answer, Duration patience) {
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            answer.cancel(true);
            throw new ChaperoneException.Timeout(patience.toMillis());
        } catch (ExecutionException failed) {
            throw broken(failed.getCause());
        } catch (InterruptedException interrupted) {
            answer.cancel(true);
            throw interrupted(interrupted);
        }
    }

    private String readAll(Chunks chunks) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (byte[] chunk = next(chunks); chunk != null; chunk = next(chunks)) {
            whole.writeBytes(chunk);
        }
        return whole.toString(StandardCharsets.UTF_8);
    }

    static <T> T readData(String text, Class<T> type) {
        try {
            JsonObject answer = JSON.fromJson(text, JsonObject.class);
            if (answer != null && answer.get("data") instanceof JsonObject data) {
                return type == Void.class ? null : JSON.fromJson(data, type);
            }
        } catch (JsonParseException notJson) {
            throw notThisApi(notJson);
        }
        throw notThisApi(null);
    }

    static JsonObject readObject(String data) {
        try {
            return JSON.fromJson(data, JsonObject.class);
        } catch (JsonParseException notJson) {
            throw notThisApi(notJson);
        }
    }

    static ChaperoneException notThisApi(Throwable cause) {
        String message = "The server answers something else than this API does: is baseUrl right?";
        return new ChaperoneException("invalid_answer", message, cause);
    }

    private static ApiException.Problem readProblem(int status, HttpHeaders headers, String text) {
        String code = "unknown";
        String message = "The server answered with status " + status;
        Map<String, Object> details = Map.of();
        try {
            JsonObject told = JSON.fromJson(text, JsonObject.class);
            if (told != null && told.get("code") instanceof JsonPrimitive named) {
                code = named.getAsString();
                message = told.get("message").getAsString();
                details = JSON.fromJson(told.get("details"), new TypeToken<Map<String, Object>>() {});
            }
        } catch (JsonParseException page) {
            // Such as a load balancer's page, which has no code.
        }
        return new ApiException.Problem(
                code,
                message,
                details,
                headers.firstValue("x-request-id").orElse(null),
                Retries.readRetryAfter(headers.firstValue("retry-after").orElse(null), ZonedDateTime.now(ZoneOffset.UTC)),
                headers.firstValue("x-should-retry").orElse("").equals("false"));
    }

    static ChaperoneException broken(Throwable cause) {
        return new ChaperoneException.Connection("The server cannot be reached, or the connection broke", cause);
    }

    static ChaperoneException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new ChaperoneException("interrupted", "The thread was interrupted while it waited", cause);
    }

    private static void sleep(Duration delay) {
        try {
            Thread.sleep(delay.toMillis());
        } catch (InterruptedException interrupted) {
            throw interrupted(interrupted);
        }
    }
}
