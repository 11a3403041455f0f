package dev.chaperone.insights;

import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A body while it arrives, for a reader that waits for each chunk no longer than a timeout. */
final class Chunks implements BodySubscriber<Chunks>, AutoCloseable {
    private sealed interface Signal {}

    private record Chunk(byte[] bytes) implements Signal {}

    private record End(Throwable error) implements Signal {}

    private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final CompletableFuture<Chunks> body = CompletableFuture.completedFuture(this);
    private volatile Flow.Subscription subscription;

    static BodyHandler<Chunks> handler() {
        return head -> new Chunks();
    }

    /** Null: the body is at its end. */
    byte[] next(Duration timeout) {
        try {
            Signal signal = signals.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
            if (signal == null) {
                throw new ChaperoneException.Timeout(timeout.toMillis());
            }
            if (signal instanceof Chunk chunk) {
                subscription.request(1);
                return chunk.bytes();
            }
            Throwable error = ((End) signal).error();
            if (error != null) {
                throw Transport.broken(error);
            }
            return null;
        } catch (InterruptedException interrupted) {
            throw Transport.interrupted(interrupted);
        }
    }

    /** Ends the connection, unless the body is at its end. */
    @Override
    public void close() {
        if (subscription != null) {
            subscription.cancel();
        }
    }

    @Override
    public CompletionStage<Chunks> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        byte[] bytes = new byte[buffers.stream().mapToInt(ByteBuffer::remaining).sum()];
        int at = 0;
        for (ByteBuffer buffer : buffers) {
            int length = buffer.remaining();
            buffer.get(bytes, at, length);
            at += length;
        }
        signals.add(new Chunk(bytes));
    }

    @Override
    public void onError(Throwable error) {
        signals.add(new End(error));
    }

    @Override
    public void onComplete() {
        signals.add(new End(null));
    }
}
