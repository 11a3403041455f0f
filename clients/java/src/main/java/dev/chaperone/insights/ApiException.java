package dev.chaperone.insights;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** The API refused the request, or failed. */
public class ApiException extends ChaperoneException {
    private static final long serialVersionUID = 1L;
    private final int status;
    private final transient Map<String, Object> details;
    private final String requestId;
    private final Duration retryAfter;
    private final boolean isFinal;

    ApiException(int status, Problem problem) {
        super(problem.code(), problem.message());
        this.status = status;
        this.details = problem.details();
        this.requestId = problem.requestId();
        this.retryAfter = problem.retryAfter();
        this.isFinal = problem.isFinal();
    }

    /** What the API says of it. */
    record Problem(
            String code,
            String message,
            Map<String, Object> details,
            String requestId,
            Duration retryAfter,
            boolean isFinal) {}

    /** The exception of the class that the status has. */
    static ApiException of(int status, Problem problem) {
        return switch (status) {
            case 400 -> new BadRequest(status, problem);
            case 401 -> new Authentication(status, problem);
            case 403 -> new PermissionDenied(status, problem);
            case 404 -> new NotFound(status, problem);
            case 409 -> new Conflict(status, problem);
            case 429 -> new RateLimit(status, problem);
            default -> status >= 500 ? new Server(status, problem) : new ApiException(status, problem);
        };
    }

    public int status() {
        return status;
    }

    /** Of a request that is wrong, what is wrong with each field; otherwise facts for programs. */
    public Map<String, Object> details() {
        return details == null ? Map.of() : details;
    }

    /** Names the request in the logs of the server. Null: the answer has none. */
    public String requestId() {
        return requestId;
    }

    /** How long to wait before another attempt, where the server says so. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    /** Whether the server says that another attempt is of no use, as where a budget is used up. */
    public boolean isFinal() {
        return isFinal;
    }

    /** 400: the request is wrong; {@link #details} says where. */
    public static final class BadRequest extends ApiException {
        private static final long serialVersionUID = 1L;

        BadRequest(int status, Problem problem) {
            super(status, problem);
        }
    }

    /** 401: the key or the password is not valid. */
    public static final class Authentication extends ApiException {
        private static final long serialVersionUID = 1L;

        Authentication(int status, Problem problem) {
            super(status, problem);
        }
    }

    /** 403: the key may not do this. */
    public static final class PermissionDenied extends ApiException {
        private static final long serialVersionUID = 1L;

        PermissionDenied(int status, Problem problem) {
            super(status, problem);
        }
    }

    /** 404: there is nothing of this name for this key. */
    public static final class NotFound extends ApiException {
        private static final long serialVersionUID = 1L;

        NotFound(int status, Problem problem) {
            super(status, problem);
        }
    }

    /** 409: what is there forbids it. */
    public static final class Conflict extends ApiException {
        private static final long serialVersionUID = 1L;

        Conflict(int status, Problem problem) {
            super(status, problem);
        }
    }

    /** 429: a limit is reached. */
    public static final class RateLimit extends ApiException {
        private static final long serialVersionUID = 1L;

        RateLimit(int status, Problem problem) {
            super(status, problem);
        }
    }

    /** 5xx: the server failed, or cannot serve now. */
    public static final class Server extends ApiException {
        private static final long serialVersionUID = 1L;

        Server(int status, Problem problem) {
            super(status, problem);
        }
    }
}
