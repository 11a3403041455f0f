/** A client of Chaperone's insights API. Begin with {@link dev.chaperone.insights.InsightsClient}. */
package dev.chaperone.insights;
