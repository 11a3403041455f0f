package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** Texts, vectors, classes and explanations: what is asked, and what is answered. Null: it is not stated, or there is none. */
public interface Models {
    /** @param id for the model of requests */
    record Listed(
            String id,
            String provider,
            String model,
            String complianceLevel,
            List<String> capabilities,
            boolean isDefault) {}

    record ListedModels(List<Listed> providers, String defaultProvider) {}

    /**
     * What a text is to be written from.
     *
     * @param model an id of {@link InsightsClient#listModels}, or a model; null: the default
     * @param context facts for the model
     */
    record GenerateRequest(
            String prompt,
            String model,
            Integer maxTokens,
            Double temperature,
            String systemPrompt,
            Map<String, Object> context,
            Boolean stream) {
        public static GenerateRequest of(String prompt) {
            return new GenerateRequest(prompt, null, null, null, null, null, null);
        }

        public GenerateRequest withModel(String value) {
            return new GenerateRequest(prompt, value, maxTokens, temperature, systemPrompt, context, stream);
        }

        public GenerateRequest withMaxTokens(int value) {
            return new GenerateRequest(prompt, model, value, temperature, systemPrompt, context, stream);
        }

        public GenerateRequest withTemperature(double value) {
            return new GenerateRequest(prompt, model, maxTokens, value, systemPrompt, context, stream);
        }

        public GenerateRequest withSystemPrompt(String value) {
            return new GenerateRequest(prompt, model, maxTokens, temperature, value, context, stream);
        }

        public GenerateRequest withContext(Map<String, Object> value) {
            return new GenerateRequest(prompt, model, maxTokens, temperature, systemPrompt, value, stream);
        }

        GenerateRequest streamed() {
            return new GenerateRequest(prompt, model, maxTokens, temperature, systemPrompt, context, true);
        }
    }

    /** Null: the provider does not tell. */
    record Usage(Integer promptTokens, Integer completionTokens, Integer totalTokens) {}

    /** @param flags the guardrails that found something, by their names */
    record ComplianceCheck(boolean passed, List<String> flags) {}

    /** @param finishReason "stop", or "length" where the limit of tokens has cut the text */
    record GeneratedText(
            String generatedText, Usage usage, String model, String finishReason, ComplianceCheck complianceCheck) {}

    record EmbedRequest(List<String> texts, String model, Integer dimensions) {
        public EmbedRequest(List<String> texts, String model) {
            this(texts, model, null);
        }
    }

    /** @param embeddings in the order of the texts */
    record Embeddings(List<List<Double>> embeddings, String model, int dimensions, Usage usage) {}

    /** @param categories 2 to 100, each once */
    record ClassifyRequest(String text, List<String> categories, String model) {
        public ClassifyRequest(String text, List<String> categories) {
            this(text, categories, null);
        }
    }

    /** @param classifications by category, the largest first; they sum to one */
    record Classification(Map<String, Double> classifications, String topCategory, String model) {}

    /** @param sentiment the class, of whatever the model classifies */
    record Prediction(String sentiment, double confidence) {}

    /**
     * What a word adds.
     *
     * @param error the half width of the 95 % confidence interval; 0: it is exact
     * @param position its place in the text, from 0
     */
    record FeatureImportance(String feature, double importance, double error, int position) {}

    /**
     * Why a model says what it says.
     *
     * @param explains which number of the model
     * @param baseValue it and all importances together are outputValue
     * @param visualizationUrl a picture for whoever has the address, until it expires
     */
    record Explained(
            String method,
            String explains,
            double baseValue,
            double outputValue,
            List<FeatureImportance> featureImportance,
            boolean exact,
            int evaluations,
            String visualizationUrl,
            String visualizationExpiresAt) {}

    record Explanation(Prediction prediction, Explained explanation) {}
}
