import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { repository } from '../directories.ts';
import { onlyOrganization, startUp } from './start-up.ts';

const run = promisify(execFile);
const version = '3.54.0';

/** What an application in Python does; it prints one line a check. */
const program = `
import os, openai
client = openai.OpenAI(max_retries=0, default_headers={"X-User-ID": "guido@example.com"})
print("plain", client.responses.create(model="gpt-4o", input="Hello").output_text)
text = ""
for event in client.responses.create(model="gpt-4o", input="Stream", stream=True):
    if event.type == "response.output_text.delta":
        text += event.delta
print("stream", text)
messages = [{"role": "user", "content": "Hi"}]
print("chat", client.chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content)
chunks = list(client.chat.completions.create(model="gpt-4o", messages=messages, stream=True))
print("chunks", "".join(chunk.choices[0].delta.content or "" for chunk in chunks))
print("embedding", len(client.embeddings.create(model="text-embedding-3-small", input="one").data[0].embedding))
print("models", any(model.id == "gpt-4o" for model in client.models.list()))
sound = ("a.wav", b"x" * 32000)
print("heard", client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound).text)
heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound, stream=True)
print("events", "".join(event.delta for event in heard if event.type == "transcript.text.delta"))
with client.audio.speech.with_streaming_response.create(model="gpt-4o-mini-tts", voice="alloy", input="Two words") as spoken:
    print("spoken", sum(len(part) for part in spoken.iter_bytes()))
def raises(name, call):
    try:
        call()
        print(name, "was answered")
    except openai.APIError as error:
        print(name, type(error).__name__, getattr(error, "code", None))
raises("token", lambda: openai.OpenAI(api_key="nonsense", max_retries=0).models.list())
raises("user", lambda: openai.OpenAI(max_retries=0).models.list())
raises("model", lambda: client.responses.create(model="o1", input="Hi"))
raises("persona", lambda: client.responses.create(model="gpt-4o", input="Hi", extra_body={"persona_id": "unknown"}))
raises("rate", lambda: client.responses.create(model="gpt-4o", input="Hi", metadata={"sandbox": "status=429"}))
raises("upstream", lambda: client.responses.create(model="gpt-4o", input="Hi", metadata={"sandbox": "reset"}))
raises("torn", lambda: list(client.chat.completions.create(model="gpt-4o", messages=messages, stream=True, metadata={"sandbox": "torn"})))
raises("cut", lambda: list(client.responses.create(model="gpt-4o", input="Hi", stream=True, metadata={"sandbox": "cut"})))
`;

it('the OpenAI Python SDK makes plain and streaming calls, and raises the right exceptions', async (t) => {
  const python = await installSdk().catch((error: unknown) => error);
  if (typeof python !== 'string') {
    t.skip(`Python with pip and venv is needed: ${python instanceof Error ? python.message.split('\n')[0] : ''}`);
    return;
  }
  const up = await startUp(t, { directory: join(repository, 'examples', 'quickstart') });
  const { baseUrl, token } = onlyOrganization(up);
  const env = { PATH: process.env.PATH, OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: token };
  const { stdout } = await run(python, ['-c', program], { env });
  assert.deepEqual(stdout.trim().split('\n'), [
    'plain [sandbox gpt-4o] Instructions: none. You said: Hello',
    'stream [sandbox gpt-4o] Instructions: none. You said: Stream',
    'chat [sandbox gpt-4o] Instructions: none. You said: Hi',
    'chunks [sandbox gpt-4o] Instructions: none. You said: Hi',
    'embedding 1536',
    'models True',
    'heard [sandbox gpt-4o-transcribe] Instructions: none. You said: a.wav, 2 s',
    'events [sandbox gpt-4o-transcribe] Instructions: none. You said: a.wav, 2 s',
    'spoken 2048',
    'token AuthenticationError invalid_credentials',
    'user BadRequestError user_required',
    'model PermissionDeniedError model_not_allowed',
    'persona NotFoundError persona_not_found',
    'rate RateLimitError rate_limit_exceeded',
    'upstream InternalServerError upstream_unreachable',
    'torn APIConnectionError None',
    'cut APIConnectionError None',
  ]);
});

/** A virtual environment of the test's own, kept from run to run. @returns its python */
async function installSdk(): Promise<string> {
  const directory = join(homedir(), '.cache', 'chaperone-tests', `openai-python-${version}`);
  const python = join(directory, 'bin', 'python');
  const marker = join(directory, 'lib', 'installed');
  const isThere = await access(marker).then(
    () => true,
    () => false,
  );
  if (isThere) return python;
  await run('python3', ['-m', 'venv', '--clear', directory]);
  await run(python, ['-m', 'pip', 'install', '--quiet', `openai==${version}`]);
  await run('touch', [marker]);
  return python;
}
