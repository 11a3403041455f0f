package dev.chaperone.insights;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads server-sent events from a body, however it was cut into chunks. Comments, which keep the connection alive, are
 * left out.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation">SSE</a>
 */
final class EventReader {
    record Event(String name, String data) {}

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private boolean afterReturn;
    private String name = "";
    private final List<String> data = new ArrayList<>();

    /** The events that end in this chunk. */
    List<Event> feed(byte[] chunk) {
        List<Event> events = new ArrayList<>();
        for (byte next : chunk) {
            boolean isSecondHalf = next == '\n' && afterReturn;
            afterReturn = next == '\r';
            if (isSecondHalf) {
                continue;
            }
            if (next != '\n' && next != '\r') {
                line.write(next);
                continue;
            }
            String whole = line.toString(StandardCharsets.UTF_8);
            line.reset();
            take(whole, events);
        }
        return events;
    }

    private void take(String whole, List<Event> events) {
        if (whole.isEmpty()) {
            if (!data.isEmpty()) {
                events.add(new Event(name.isEmpty() ? "message" : name, String.join("\n", data)));
            }
            name = "";
            data.clear();
            return;
        }
        int colon = whole.indexOf(':');
        String field = colon == -1 ? whole : whole.substring(0, colon);
        String value = colon == -1 ? "" : whole.substring(colon + 1);
        if (value.startsWith(" ")) {
            value = value.substring(1);
        }
        if (field.equals("event")) {
            name = value;
        } else if (field.equals("data")) {
            data.add(value);
        }
    }
}
