package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** How groups fare: what is asked, and what is answered. Null: it is not stated, or there is none. */
public interface Fairness {
    /**
     * A dataset.
     *
     * @param data a row for each case
     * @param attributes the columns with groups
     * @param outcomeColumns those with numbers, or true and false
     */
    record Request(
            List<Map<String, Object>> data,
            List<String> attributes,
            List<String> outcomeColumns,
            Boolean intersections,
            Integer minGroupSize,
            Double alpha) {
        public static Request of(
                List<Map<String, Object>> data, List<String> attributes, List<String> outcomeColumns) {
            return new Request(data, attributes, outcomeColumns, null, null, null);
        }

        public Request withIntersections() {
            return new Request(data, attributes, outcomeColumns, true, minGroupSize, alpha);
        }

        public Request withMinGroupSize(int value) {
            return new Request(data, attributes, outcomeColumns, intersections, value, alpha);
        }

        public Request withAlpha(double value) {
            return new Request(data, attributes, outcomeColumns, intersections, minGroupSize, value);
        }
    }

    /**
     * How to read a dataset that is uploaded.
     *
     * @param attributes the columns with groups, with commas
     */
    record Upload(
            String attributes, String outcomeColumns, Boolean intersections, Integer minGroupSize, Double alpha) {
        public static Upload of(List<String> attributes, List<String> outcomeColumns) {
            return new Upload(String.join(",", attributes), String.join(",", outcomeColumns), null, null, null);
        }

        public Upload withIntersections() {
            return new Upload(attributes, outcomeColumns, true, minGroupSize, alpha);
        }

        public Upload withMinGroupSize(int value) {
            return new Upload(attributes, outcomeColumns, intersections, value, alpha);
        }

        public Upload withAlpha(double value) {
            return new Upload(attributes, outcomeColumns, intersections, minGroupSize, value);
        }
    }

    /** Media types of a dataset: CSV with a line of names, or a JSON object a line. */
    enum Format {
        CSV("text/csv"),
        NDJSON("application/x-ndjson");

        private final String mediaType;

        Format(String mediaType) {
            this.mediaType = mediaType;
        }

        String mediaType() {
            return mediaType;
        }
    }

    /** @param method "z-test", "fisher" or "welch" */
    record Test(String method, double pValue, double correctedPValue, boolean significant) {}

    record Group(
            double average,
            int sampleSize,
            Double selectionRate,
            List<Double> confidenceInterval,
            boolean tooSmall,
            Test test) {}

    /**
     * What was found about an attribute and an outcome.
     *
     * @param disparities by group
     * @param concernLevel "low", "medium", "high" or "insufficient_data"
     */
    record Finding(
            String attribute,
            String outcome,
            Map<String, Group> disparities,
            Double disparityScore,
            String concernLevel,
            Boolean fourFifthsRule,
            Double ratio,
            Double difference,
            int missing) {}

    record Report(Double fairnessScore, List<Finding> detailedFindings, List<String> recommendations, int rows) {}
}
