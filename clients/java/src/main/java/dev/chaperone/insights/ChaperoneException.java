package dev.chaperone.insights;

/** Whatever the client throws. */
public class ChaperoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String code;

    ChaperoneException(String code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    ChaperoneException(String code, String message) {
        this(code, message, null);
    }

    /** What happened, for programs: a code of the API, or one of this client. */
    public String code() {
        return code;
    }

    /** The client cannot be used as it was made: it lacks its key or its address. */
    public static final class Configuration extends ChaperoneException {
        private static final long serialVersionUID = 1L;

        Configuration(String message) {
            super("invalid_configuration", message);
        }
    }

    /** There was no whole answer: the server cannot be reached, or the connection broke. */
    public static final class Connection extends ChaperoneException {
        private static final long serialVersionUID = 1L;

        Connection(String message, Throwable cause) {
            super("connection_failed", message, cause);
        }
    }

    /** The server has not answered within the timeout. */
    public static final class Timeout extends ChaperoneException {
        private static final long serialVersionUID = 1L;

        Timeout(long timeoutMs) {
            super("timeout", "The server has not answered within " + timeoutMs + " ms");
        }
    }

    /** A stream began, and failed after that. */
    public static final class Stream extends ChaperoneException {
        private static final long serialVersionUID = 1L;

        Stream(String code, String message) {
            super(code, message);
        }
    }
}
