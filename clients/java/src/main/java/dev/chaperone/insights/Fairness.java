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
