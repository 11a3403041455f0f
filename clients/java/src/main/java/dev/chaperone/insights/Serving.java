package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** Trained models that answer calls: what is asked, and what is answered. Null: it is not stated, or there is none. */
public interface Serving {
    /** @param targetUtilization of the requested processor time, in percent; null: 70 */
    record AutoScaling(int minReplicas, int maxReplicas, Integer targetUtilization) {}

    /** Quantities of Kubernetes, such as "500m" and "4Gi". */
    record Resources(String cpu, String memory, String gpu) {}

    /**
     * What to serve.
     *
     * @param modelUri the output of a training job
     * @param deploymentName the model of calls to it; one of the same name gets the new model
     */
    record Request(
            String modelUri,
            String deploymentName,
            Integer replicas,
            AutoScaling autoScaling,
            Resources resourceRequirements) {
        public static Request of(String modelUri, String deploymentName) {
            return new Request(modelUri, deploymentName, null, null, null);
        }

        public Request withReplicas(int value) {
            return new Request(modelUri, deploymentName, value, autoScaling, resourceRequirements);
        }

        public Request withAutoScaling(AutoScaling value) {
            return new Request(modelUri, deploymentName, replicas, value, resourceRequirements);
        }

        public Request withResources(Resources value) {
            return new Request(modelUri, deploymentName, replicas, autoScaling, value);
        }
    }

    /**
     * A deployment.
     *
     * @param status "CREATING", "IN_SERVICE", "UPDATING", "FAILED", "DELETING" or "DELETED"
     * @param message what a person should know of the status
     * @param metricsEndpoint within the cluster, for Prometheus
     * @param revision how often it was deployed
     */
    record Deployment(
            String deploymentId,
            String deploymentName,
            String status,
            String message,
            String endpoint,
            String metricsEndpoint,
            String modelUri,
            String baseModel,
            int replicas,
            int readyReplicas,
            AutoScaling autoScaling,
            Resources resourceRequirements,
            int revision,
            String createdAt,
            String updatedAt) {}

    record Listed(List<Deployment> deployments, int total) {}

    /**
     * What a model says of a text.
     *
     * @param confidence of the label, from 0 to 1
     * @param scores by label; they sum to one
     */
    record Prediction(String label, double confidence, Map<String, Double> scores) {}

    /** @param predictions in the order of the texts */
    record Predictions(String model, List<Prediction> predictions) {}
}
