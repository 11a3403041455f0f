// What the compiler must and must not take of the package, in an application.
import { ChatClient, type ChatEvent, type ChatResponse, RateLimitError } from '@chaperone/support';

const client = new ChatClient({ apiKey: 'sk_1', environment: 'production', baseUrl: 'https://support.example.com' });
const response: ChatResponse = await client.sendMessage({ message: 'Hello', userId: 'user_1', metadata: { a: 1 } });
const facts: [string, number, readonly string[], boolean] = [
  response.answer,
  response.confidence,
  response.sources,
  response.escalated,
];
const read = (event: ChatEvent): string => (event.type === 'delta' ? event.text : event.type);
for await (const event of client.streamMessage({ message: 'Hello', userId: 'user_1' })) read(event);
try {
  await client.knowledgeBase.update('kb_1', { category: null });
} catch (error) {
  if (error instanceof RateLimitError) error.retryAfterMs satisfies number | undefined;
}

export { facts };

// @ts-expect-error the key is missing
new ChatClient({});
// @ts-expect-error a message is a text
client.sendMessage({ message: 1, userId: 'user_1' });
// @ts-expect-error there is no such field
client.sendMessage({ message: 'Hello', user_id: 'user_1' });
// @ts-expect-error there is no such status
client.updateConversation('conv_1', { status: 'closed' });
