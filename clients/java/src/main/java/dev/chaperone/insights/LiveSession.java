package dev.chaperone.insights;

import com.google.gson.JsonObject;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Watches what happens, until it is closed. A session that ends is begun anew, unless the server forbids it. */
public final class LiveSession implements AutoCloseable {
    /** The server tells its status every 15 seconds. */
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(45);

    private static final int FORBIDDEN = 1008;

    private final Transport transport;
    private final Live.Listener listener;
    private final Thread thread;
    private volatile boolean isClosed;

    LiveSession(Transport transport, Live.Listener listener) {
        this.transport = transport;
        this.listener = listener;
        thread = new Thread(this::run, "chaperone-live");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        isClosed = true;
        thread.interrupt();
    }

    private void run() {
        Retries retries = new Retries(transport.options());
        while (!isClosed) {
            Connection connection = new Connection();
            try {
                connection.runToItsEnd();
            } catch (ChaperoneException error) {
                retries = connection.wasOpen ? new Retries(transport.options()) : retries;
                if (isClosed || !waitAfter(error, retries)) {
                    return;
                }
            }
        }
    }

    /** False: there is no further attempt. */
    private boolean waitAfter(ChaperoneException error, Retries retries) {
        OptionalLong delay = retries.delayAfter(error);
        if (delay.isEmpty()) {
            listener.onEnd(error);
            return false;
        }
        Duration wait = Duration.ofMillis(delay.getAsLong());
        transport.options().onRetry().accept(new ClientOptions.RetryNotice(error, retries.failures(), wait));
        try {
            Thread.sleep(wait.toMillis());
            return true;
        } catch (InterruptedException closed) {
            return false;
        }
    }

    /** One WebSocket. */
    private final class Connection implements WebSocket.Listener {
        private final CompletableFuture<Void> end = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private boolean wasOpen;
        private volatile long heardAtNs;

        /** Returns where the session was over in good order. */
        void runToItsEnd() {
            WebSocket socket = open();
            wasOpen = true;
            heardAtNs = System.nanoTime();
            try {
                awaitEnd();
            } finally {
                socket.abort();
            }
        }

        private WebSocket open() {
            try {
                return transport.open("/websocket", this).get();
            } catch (ExecutionException refused) {
                throw reasonOf(refused.getCause());
            } catch (InterruptedException closed) {
                throw Transport.interrupted(closed);
            }
        }

        /** The handshake has no body to read, so that the server is asked once more. */
        private ChaperoneException reasonOf(Throwable cause) {
            try {
                transport.probe("/websocket");
            } catch (ApiException told) {
                if (!told.code().equals("websocket_required")) {
                    return told;
                }
            } catch (ChaperoneException unreachable) {
                return unreachable;
            }
            return Transport.broken(cause);
        }

        private void awaitEnd() {
            try {
                while (!end.isDone()) {
                    long leftNs = LONGEST_SILENCE.toNanos() - (System.nanoTime() - heardAtNs);
                    if (leftNs <= 0) {
                        throw new ChaperoneException.Timeout(LONGEST_SILENCE.toMillis());
                    }
                    try {
                        end.get(leftNs, TimeUnit.NANOSECONDS);
                    } catch (TimeoutException silent) {
                        // Unless something was heard meanwhile.
                    }
                }
                end.get();
            } catch (ExecutionException failed) {
                throw failed.getCause() instanceof ChaperoneException told ? told : Transport.broken(failed.getCause());
            } catch (InterruptedException closed) {
                throw Transport.interrupted(closed);
            }
        }

        @Override
        public void onOpen(WebSocket socket) {
            listener.onConnected();
            socket.request(1);
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
            heardAtNs = System.nanoTime();
            text.append(part);
            if (isLast) {
                String whole = text.toString();
                text.setLength(0);
                tell(whole);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            if (code == WebSocket.NORMAL_CLOSURE) {
                end.complete(null);
            } else if (code == FORBIDDEN) {
                String named = reason.isEmpty() ? "session_ended" : reason;
                end.completeExceptionally(new ChaperoneException(named, "The server has ended the session for good"));
            } else {
                end.completeExceptionally(Transport.broken(null));
            }
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            end.completeExceptionally(error);
        }

        private void tell(String message) {
            JsonObject event = Transport.readObject(message);
            String at = event.get("timestamp").getAsString();
            switch (event.get("event").getAsString()) {
                case "system_status" -> listener.onSystemStatus(read(event, Live.Status.class), at);
                case "queue_update" -> listener.onQueueUpdate(read(event, Live.QueueUpdate.class), at);
                case "sentiment_alert" -> listener.onSentimentAlert(read(event, Live.SentimentAlert.class), at);
                default -> {
                    // Of a later version.
                }
            }
        }

        private static <T> T read(JsonObject event, Class<T> type) {
            return Transport.JSON.fromJson(event.get("data"), type);
        }
    }
}
