package dev.chaperone.insights;

import java.util.List;
import java.util.Map;

/** Trained models that answer calls: {@link InsightsClient#deployments}. */
public final class Deployments {
    private static final String ROOT = "/ai/deployments";

    private final Transport transport;

    Deployments(Transport transport) {
        this.transport = transport;
    }

    /** Serves a trained model in the cluster. For admins. */
    public Serving.Deployment deploy(Serving.Request request) {
        return transport.send("POST", "/ai/deploy", request, Serving.Deployment.class);
    }

    /** Lists deployments by name. For analysts and admins. */
    public Serving.Listed list() {
        return transport.send("GET", ROOT, null, Serving.Listed.class);
    }

    /** Gets a deployment by its id or name. For analysts and admins. */
    public Serving.Deployment get(String idOrName) {
        return transport.send("GET", at(idOrName), null, Serving.Deployment.class);
    }

    /** Ends the pods of a deployment. The model stays. For admins. */
    public Serving.Deployment undeploy(String idOrName) {
        return transport.send("DELETE", at(idOrName), null, Serving.Deployment.class);
    }

    /** Asks a deployed model about up to 2,048 texts, in one call of yours. */
    public Serving.Predictions predict(String deploymentName, List<String> texts) {
        String path = "/ai/predict/" + Query.escape(deploymentName);
        return transport.send("POST", path, Map.of("texts", texts), Serving.Predictions.class);
    }

    private static String at(String idOrName) {
        return ROOT + "/" + Query.escape(idOrName);
    }
}
