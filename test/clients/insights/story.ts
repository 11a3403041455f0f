import { ApiError, ChatError, InsightsClient } from '../../../clients/javascript/src/index.ts';

const happy = "I'm very happy with your service.";

/** What the story works with. */
export interface StoryOptions {
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
}

/** What an application does with the client. @returns what it has seen, as the other languages' programs print it */
export async function tellStory({ baseUrl, ...credentials }: StoryOptions): Promise<unknown[]> {
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
  await reviews(client, show, credentials.username);
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

async function privacy(
  client: InsightsClient,
  show: Show,
  refused: (name: string, work: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
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

async function reviews(client: InsightsClient, show: Show, user: string): Promise<void> {
  const asked = { query: 'Can I get a loan?', customerId: `cust-${user}`, context: { account_type: 'savings' } };
  const draft = await client.generateResponse(asked);
  show('drafted', draft.response.length > 0, draft.confidence >= 0 && draft.confidence <= 1, draft.category !== '');
  const item = { query: 'Which stocks?', response: 'Diversify.', category: 'investment_advice', priority: 2 };
  const { itemId, status } = await client.queueReview({ ...item, metadata: { customer_id: `cust-${user}` } });
  show('queued for review', status, itemId.startsWith('rev-'));
  const edits = { modifiedResponse: 'Diversify, carefully.' };
  const decided = await client.decideReview({ itemId, approved: true, feedback: 'Good', edits });
  show('decided', decided.status, decided.reviewerId, decided.approved, decided.itemId === itemId);
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
