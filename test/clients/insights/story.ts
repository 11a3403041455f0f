import { ApiError, ChatError, InsightsClient } from '../../../clients/javascript/src/index.ts';

const happy = "I'm very happy with your service.";

/** What the story works with. */
export interface StoryOptions {
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
  /** The token of an admin. */
  readonly admin: string;
}

/** What an application does with the client. @returns what it has seen, as the other languages' programs print it */
export async function tellStory({ baseUrl, admin: apiKey, ...credentials }: StoryOptions): Promise<unknown[]> {
  const seen: unknown[] = [];
  const show = (...facts: unknown[]) => void seen.push(facts);
  const refused = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
      show(name, 'was answered');
    } catch (error) {
      if (error instanceof ApiError) show(name, error.name, error.status, error.code, error.requestId?.slice(0, 4));
      else if (error instanceof ChatError) show(name, error.code);
      else throw error;
    }
  };
  await refused('wrong password', () => InsightsClient.logIn({ ...credentials, password: 'wrong' }, { baseUrl }));
  const client = await InsightsClient.logIn(credentials, { baseUrl });
  const { login } = client;
  show('logged in', login?.userId, login?.roles, Date.parse(login?.expiresAt ?? '') > Date.now());
  await texts(client, show);
  await privacy(client, show, refused);
  await fairness(client, show);
  await models(client, show, baseUrl);
  const admin = new InsightsClient({ apiKey, baseUrl });
  await reviews(client, admin, show, refused, credentials.username);
  await figures(client, show);
  await training(admin, show, credentials.username);
  await watch(client, show);
  await refused('may not watch', () => new InsightsClient({ apiKey: 'nobody', baseUrl }).watch().next());
  await client.analyzeSentiment({ text: ' ' }).catch((error: ApiError) => {
    show('wrong field', error.status, error.code, error.details);
  });
  await refused('not allowed', () => client.generate({ prompt: 'Hi', model: 'gpt-3.5-turbo' }));
  show('rate limit', (client.rateLimit?.remaining ?? 0) > 0);
  show('refreshed', (await client.refreshLogin()).token !== login?.token);
  await client.logOut();
  await refused('logged out', () => client.refreshLogin());
  return seen;
}

type Show = (...facts: unknown[]) => void;
type Refused = (name: string, work: () => Promise<unknown>) => Promise<void>;

async function texts(client: InsightsClient, show: Show): Promise<void> {
  const found = await client.analyzeSentiment({ text: happy });
  show('sentiment', found.sentiment, found.method, found.analysis.keyPositives);
  const conversations = [
    { id: 'a', text: happy },
    { id: 'b', text: 'Terrible. I hate it.', language: 'en' },
    { id: 'c', text: 'Gut', language: 'de' },
  ];
  const { results, summary } = await client.analyzeBatch({ conversations });
  show(
    'batch',
    results.map(({ sentiment, error }) => error?.code ?? sentiment),
    [summary.positiveCount, summary.negativeCount, summary.failedCount],
  );
  const queued = await client.queueBatch({ conversations });
  const again = await client.getBatch(queued.batchId);
  show('queued', queued.progress.total, again.batchId === queued.batchId, again.results ?? null);
}

async function privacy(client: InsightsClient, show: Show, refused: Refused): Promise<void> {
  const made = await client.anonymize({ text: 'Write to ann@example.com', keepMapping: true });
  show('anonymized', made.anonymizedText, Object.keys(made.mapping), made.piiDetected);
  const { mappingId = '' } = made;
  const { text, restored } = await client.restore(mappingId, 'Dear [EMAIL_1]');
  show('restored', text, restored);
  await client.deleteMapping(mappingId);
  await refused('forgotten', () => client.restore(mappingId, 'Dear [EMAIL_1]'));
}

async function fairness(client: InsightsClient, show: Show): Promise<void> {
  const data = Array.from({ length: 40 }, (_, at) => ({
    age_group: at % 2 === 0 ? '18_30' : '31_45',
    is_resolved: at % 4 !== 0,
  }));
  const asked = { data, attributes: ['age_group'], outcomeColumns: ['is_resolved'], minGroupSize: 2 };
  const report = await client.analyzeFairness(asked);
  const { disparities = {} } = report.detailedFindings[0] ?? {};
  show('fairness', report.rows, Object.keys(disparities).toSorted());
  show('groups', disparities['18_30']?.selectionRate, disparities['31_45']?.sampleSize);
  const content = `age_group,is_resolved\n${data.map((row) => `${row.age_group},${row.is_resolved}\n`).join('')}`;
  const { data: _, ...question } = asked;
  const chunks = (async function* () {
    for (const line of content.split(/(?<=\n)/)) yield new TextEncoder().encode(line);
  })();
  const whole = await client.uploadFairness({ content, format: 'csv', ...question });
  const streamed = await client.uploadFairness({ content: chunks, format: 'csv', ...question });
  show('uploaded', whole.rows, whole.detailedFindings[0]?.disparities['18_30']?.selectionRate, streamed.rows);
}

async function models(client: InsightsClient, show: Show, baseUrl: string): Promise<void> {
  const listed = await client.listModels();
  show(
    'models',
    listed.providers.map(({ id }) => id),
    listed.defaultProvider,
  );
  const asked = {
    ...{ prompt: 'Say hello to a customer', maxTokens: 200, systemPrompt: 'You are kind.' },
    context: { customer_segment: 'premium' },
  };
  const text = await client.generate(asked);
  show('generated', text.generatedText.includes('hello'), text.model, text.complianceCheck.passed);
  show('usage', (text.usage.totalTokens ?? 0) > 0, text.finishReason);
  let [told, whole] = ['', ''];
  for await (const event of client.streamText(asked)) {
    if (event.type === 'delta') told += event.text;
    else whole = event.response.generatedText;
  }
  show('streamed', told === whole, told.length > 0);
  const vectors = await client.embed({ texts: ['One', 'Two'], model: 'vectors', dimensions: 8 });
  show('embedded', vectors.embeddings.length, vectors.dimensions, vectors.embeddings[1]?.length);
  const { classifications } = await client.classify({ text: 'Hello', categories: ['first_one', 'secondOne'] });
  const sum = Object.values(classifications).reduce((total, share) => total + share, 0);
  show('classified', Object.keys(classifications).toSorted(), Math.abs(sum - 1) < 1e-9);
  const { prediction, explanation } = await client.explain({ modelName: 'sentiment', text: happy });
  show('explained', prediction.sentiment, explanation.featureImportance[0]?.feature, explanation.exact);
  show('picture', explanation.visualizationUrl.startsWith(`${baseUrl}/api/v1/ai/`));
}

async function reviews(
  client: InsightsClient,
  admin: InsightsClient,
  show: Show,
  refused: Refused,
  user: string,
): Promise<void> {
  const asked = { query: 'Can I get a loan?', customerId: `cust-${user}`, context: { account_type: 'savings' } };
  const draft = await client.generateResponse(asked);
  show('drafted', draft.response.length > 0, draft.confidence >= 0 && draft.confidence <= 1, draft.category !== '');
  const category = `advice-${user}`;
  const metadata = { customer_id: `cust-${user}` };
  const { itemId, status } = await client.reviews.queue({
    ...{ query: 'Which stocks?', response: 'Diversify.', category, priority: 2, metadata },
  });
  show('queued for review', status, itemId.startsWith('rev-'));
  const listed = await client.reviews.list({ status: 'queued', category, limit: 5 });
  show(
    'listed',
    listed.items.map((item) => [item.itemId === itemId, item.priority, item.source, item.metadata]),
    listed.total,
  );
  const claimed = await client.reviews.claimNext({ category });
  show('claimed', claimed?.itemId === itemId, claimed?.status, claimed?.claimedBy);
  show('nothing to claim', await client.reviews.claimNext({ category }));
  const comment = await client.reviews.comment(itemId, 'Looks fine');
  show('commented', comment.number, comment.authorId, comment.text);
  show('released', (await client.reviews.release(itemId)).status);
  show('claimed again', (await client.reviews.claim(itemId)).status);
  show('reassigned', (await client.reviews.reassign(itemId, 'bob')).claimedBy);
  await refused('claimed by another', () => client.reviews.decide({ itemId, approved: true }));
  await admin.reviews.reassign(itemId, user);
  show('changed', (await client.reviews.update(itemId, { priority: 1 })).priority);
  const edits = { modifiedResponse: 'Diversify, carefully.' };
  const decided = await client.reviews.decide({ itemId, approved: true, feedback: 'Good', edits });
  show('decided', decided.status, decided.reviewerId, decided.approved, decided.itemId === itemId);
  const whole = await client.reviews.get(itemId);
  const [decision] = whole.decisions;
  show('whole', whole.finalResponse, whole.comments.length, decision?.feedback, decision?.edits?.diff[0]?.op);
  const agreement = await client.reviews.agreement();
  show('agreement', agreement.items, agreement.krippendorffAlpha, agreement.pairs);
}

async function figures(client: InsightsClient, show: Show): Promise<void> {
  const summary = await client.getSummary({ granularity: 'monthly' });
  const { sentimentDistribution: shares, timelineData, topIssues } = summary;
  show('summary', summary.totalConversations > 2, shares.positive > 0, summary.averageSatisfaction);
  show(
    'timeline',
    timelineData[0]?.date.slice(-2),
    (timelineData[0]?.avgSentiment ?? 0) > 0,
    (topIssues[0]?.count ?? 0) > 0,
  );
}

async function training(client: InsightsClient, show: Show, user: string): Promise<void> {
  const { jobId, status, modelOutputUri } = await client.trainingJobs.start({
    ...{ baseModel: 'customerai-classifier', trainingDataUri: 's3://acme-data/train.csv', instanceCount: 2 },
    ...{ hyperparameters: { learning_rate: 0.5, epochs: 3 }, instanceType: 'small' },
  });
  show('training', isOneOf(status, 'STARTING', 'IN_PROGRESS'), modelOutputUri === `s3://acme-models/${jobId}/`);
  const running = await until(
    client,
    (one) => one.trainingJobs.get(jobId),
    ({ progress }) => progress.totalSteps > 0,
  );
  show('running', running.status, running.progress.metrics, running.hyperparameters);
  const page = await client.trainingJobs.list({ status: 'IN_PROGRESS', limit: 1 });
  show('jobs', page.total, page.jobs[0]?.jobId === jobId);
  show('logs', await client.trainingJobs.logs(jobId));
  show(
    'cancelled',
    isOneOf((await client.trainingJobs.cancel(jobId)).status, 'CANCELLING', 'CANCELLED', 'IN_PROGRESS'),
  );
  const deploymentName = `model-${user}`;
  const autoScaling = { minReplicas: 1, maxReplicas: 2 };
  const made = await client.deployments.deploy({
    ...{ modelUri: 's3://acme-models/some/', deploymentName, autoScaling, resourceRequirements: { cpu: '500m' } },
  });
  show(
    'deploying',
    isOneOf(made.status, 'CREATING', 'IN_SERVICE'),
    made.autoScaling?.targetUtilization,
    made.resourceRequirements,
  );
  await until(
    client,
    (one) => one.deployments.get(deploymentName),
    (one) => one.status === 'IN_SERVICE',
  );
  const texts = ['Honestly, your app was quick and friendly.', 'The branch was rude and slow.'];
  const ask = (one: InsightsClient) => one.deployments.predict(deploymentName, texts, { maxRetries: 0 });
  const { predictions } = await until(
    client,
    (one) => ask(one).catch(() => undefined),
    () => true,
  );
  show(
    'predicted',
    predictions.map(({ label }) => label),
    Object.keys(predictions[0]?.scores ?? {}),
  );
  const { deployments, total } = await client.deployments.list();
  show(
    'deployments',
    deployments.map((one) => one.deploymentName),
    total,
  );
  show('undeployed', (await client.deployments.undeploy(made.deploymentId)).deploymentName);
}

/** The operator may be as quick as the answer. */
function isOneOf(status: string, ...expected: readonly string[]): boolean {
  return expected.includes(status);
}

async function until<T>(
  client: InsightsClient,
  read: (client: InsightsClient) => Promise<T | undefined>,
  is: (found: T) => boolean,
): Promise<T> {
  for (let tries = 0; tries < 400; tries += 1) {
    const found = await read(client);
    if (found !== undefined && is(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('The server has not come so far');
}

async function watch(client: InsightsClient, show: Show): Promise<void> {
  let itemId: string | undefined;
  for await (const event of client.watch()) {
    if (event.type === 'system_status' && itemId === undefined) {
      show('watching', event.data.status, event.data.watching > 0);
      ({ itemId } = await client.reviews.queue({ query: 'Q', response: 'A', category: 'live' }));
    }
    if (event.type !== 'queue_update' || event.data.itemId !== itemId) continue;
    show('told', event.data.action, event.data.category, (event.data.queue?.queued ?? 0) > 0);
    return;
  }
}

/** Sends each prompt. @returns what has come of it */
export async function meetFaults(
  baseUrl: string,
  prompts: readonly string[],
  streamed: readonly string[],
): Promise<unknown[]> {
  const delays: number[] = [];
  const onRetry = ({ delayMs }: { readonly delayMs: number }) => void delays.push(delayMs / 1_000);
  const client = new InsightsClient({ apiKey: 'sk_1', baseUrl, maxRetries: 1, timeoutMs: 2_000, onRetry });
  const ask = async (prompt: string): Promise<string> => {
    if (!streamed.includes(prompt)) return (await client.generate({ prompt })).generatedText;
    let told = '';
    for await (const event of client.streamText({ prompt })) if (event.type === 'delta') told += event.text;
    return told;
  };
  const seen: unknown[] = [];
  for (const prompt of prompts) {
    const failed = (error: unknown) => {
      if (!(error instanceof ChatError)) throw error;
      return [error.name, error.code];
    };
    seen.push([prompt, ...(await ask(prompt).then((text) => [text], failed))]);
  }
  return [...seen, ['delays', delays]];
}
