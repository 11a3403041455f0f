package dev.chaperone.insights;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.StringJoiner;

/** The part of an address behind its path. */
final class Query {
    private Query() {}

    /** What a record states, under the names of the API. What is null is left out. */
    static String of(Object stated) {
        JsonObject fields = Transport.JSON.toJsonTree(stated).getAsJsonObject();
        StringJoiner query = new StringJoiner("&", "?", "").setEmptyValue("");
        for (Map.Entry<String, JsonElement> field : fields.entrySet()) {
            query.add(escape(field.getKey()) + "=" + escape(field.getValue().getAsString()));
        }
        return query.toString();
    }

    static String escape(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
