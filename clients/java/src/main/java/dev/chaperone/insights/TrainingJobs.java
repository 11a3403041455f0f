package dev.chaperone.insights;

/** Models that are trained in the cluster: {@link InsightsClient#trainingJobs}. */
public final class TrainingJobs {
    private final Transport transport;

    TrainingJobs(Transport transport) {
        this.transport = transport;
    }

    /** Trains a model on several pods. For admins. */
    public Training.Started start(Training.Request request) {
        return transport.send("POST", "/ai/distributed-training", request, Training.Started.class);
    }

    /** Says how far a job is. For analysts and admins. */
    public Training.Job get(String jobId) {
        return transport.send("GET", at(jobId), null, Training.Job.class);
    }

    /** Lists jobs, the latest first. For analysts and admins. */
    public Training.Page list(Training.Filter filter) {
        return transport.send("GET", "/ai/training-jobs" + Query.of(filter), null, Training.Page.class);
    }

    /** Ends the pods of a job. Its checkpoint stays. For admins. */
    public Training.Job cancel(String jobId) {
        return transport.send("POST", at(jobId) + "/cancel", null, Training.Job.class);
    }

    /** Reads the end of what the first pod of a job has printed. For analysts and admins. */
    public String logs(String jobId) {
        return transport.sendForText("GET", at(jobId) + "/logs");
    }

    private static String at(String jobId) {
        return "/ai/training-job/" + Query.escape(jobId);
    }
}
