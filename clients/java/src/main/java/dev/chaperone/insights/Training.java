package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** Models that are trained in the cluster: what is asked, and what is answered. Null: it is not stated, or there is none. */
public interface Training {
    /**
     * What to train.
     *
     * @param baseModel "customerai-classifier", or a trainer of the organization
     * @param trainingDataUri "s3://…" or "pvc://…", below a data store of the organization
     * @param hyperparameters for the trainer, as they are
     */
    record Request(
            String baseModel,
            String trainingDataUri,
            String validationDataUri,
            Map<String, Object> hyperparameters,
            Integer instanceCount,
            String instanceType) {
        public static Request of(String baseModel, String trainingDataUri) {
            return new Request(baseModel, trainingDataUri, null, null, null, null);
        }

        public Request withValidationData(String value) {
            return new Request(baseModel, trainingDataUri, value, hyperparameters, instanceCount, instanceType);
        }

        public Request withHyperparameters(Map<String, Object> value) {
            return new Request(baseModel, trainingDataUri, validationDataUri, value, instanceCount, instanceType);
        }

        public Request withInstances(int count, String type) {
            return new Request(baseModel, trainingDataUri, validationDataUri, hyperparameters, count, type);
        }
    }

    /** @param estimatedTime by the jobs before, or "unknown" */
    record Started(String jobId, String status, String estimatedTime, String modelOutputUri, String logsUri) {}

    /** @param metrics under the names that the trainer has given, such as "validation_accuracy" */
    record Progress(
            int currentEpoch, int totalEpochs, int currentStep, int totalSteps, Map<String, Double> metrics) {}

    /**
     * A job.
     *
     * @param status "STARTING", "IN_PROGRESS", "CANCELLING", "COMPLETED", "FAILED" or "CANCELLED"
     * @param message what a person should know of the status
     */
    record Job(
            String jobId,
            String status,
            String message,
            Progress progress,
            String estimatedCompletion,
            String baseModel,
            String trainingDataUri,
            String validationDataUri,
            Map<String, Object> hyperparameters,
            int instanceCount,
            String instanceType,
            String modelOutputUri,
            String logsUri,
            String createdAt,
            String startedAt,
            String completedAt) {}

    record Filter(String status, Integer limit, Integer offset) {
        public static Filter none() {
            return new Filter(null, null, null);
        }

        public Filter withStatus(String value) {
            return new Filter(value, limit, offset);
        }

        public Filter withPage(int newLimit, int newOffset) {
            return new Filter(status, newLimit, newOffset);
        }
    }

    /** @param jobs the latest first */
    record Page(List<Job> jobs, int total, int limit, int offset) {}
}
