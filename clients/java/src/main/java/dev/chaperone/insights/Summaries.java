package dev.chaperone.insights;

import java.time.LocalDate;
import java.util.List;

/** What customers said, in figures: what is asked, and what is answered. Null: nothing is known of it. */
public interface Summaries {
    /**
     * Days in UTC.
     *
     * @param granularity of a summary: "daily", "weekly" or "monthly"; null: daily
     */
    record Period(String startDate, String endDate, String granularity) {
        /** The last 30 days. */
        public static Period recent() {
            return new Period(null, null, null);
        }

        public static Period of(LocalDate first, LocalDate last) {
            return new Period(first.toString(), last.toString(), null);
        }

        public Period by(String value) {
            return new Period(startDate, endDate, value);
        }
    }

    /** Shares of the texts. */
    record Distribution(double positive, double negative, double neutral) {}

    /**
     * A group of days.
     *
     * @param date its first day
     * @param avgSentiment from 0, all negative, to 1, all positive
     */
    record Group(String date, int conversations, Double avgSentiment) {}

    record Issue(String issue, int count, Double sentiment) {}

    /**
     * What customers said.
     *
     * @param averageSatisfaction the mean of the ratings, from 1 to 5
     * @param responseTimeAvg in seconds
     */
    record Summary(
            int totalConversations,
            Distribution sentimentDistribution,
            Double averageSatisfaction,
            Double responseTimeAvg,
            Double resolutionRate,
            List<Group> timelineData,
            List<Issue> topIssues) {}
}
