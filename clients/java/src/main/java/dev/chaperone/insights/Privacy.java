package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** Texts without what is personal: what is asked, and what is answered. Null: it is not stated, or there is none. */
public interface Privacy {
    /**
     * A text.
     *
     * @param keepMapping whether the mapping is shown, masked, and kept, sealed
     * @param mappingId a kept mapping to go on with
     * @param kinds such as "email"; null: all
     * @param phoneRegions whose national telephone numbers count, such as "US"
     */
    record Request(
            String text, Boolean keepMapping, String mappingId, List<String> kinds, List<String> phoneRegions) {
        public static Request of(String text) {
            return new Request(text, null, null, null, null);
        }

        public Request keepingMapping() {
            return new Request(text, true, mappingId, kinds, phoneRegions);
        }

        public Request goingOnWith(String value) {
            return new Request(text, keepMapping, value, kinds, phoneRegions);
        }

        public Request withKinds(List<String> value) {
            return new Request(text, keepMapping, mappingId, value, phoneRegions);
        }

        public Request withPhoneRegions(List<String> value) {
            return new Request(text, keepMapping, mappingId, kinds, value);
        }
    }

    /** @param mapping by placeholder */
    record AnonymizedText(
            String anonymizedText, Map<String, String> mapping, String mappingId, List<String> piiDetected) {}

    /** @param restored how many placeholders were replaced */
    record RestoredText(String text, int restored) {}
}
