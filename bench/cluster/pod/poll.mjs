// Calls again and again, and prints a line of JSON whenever what comes is another than before: { atMs, status, text }.
const { OPENAI_BASE_URL, OPENAI_API_KEY, PERSONA_ID } = process.env;
const body = JSON.stringify({ model: 'gpt-4o', input: 'Hi', ...(PERSONA_ID && { persona_id: PERSONA_ID }) });
const headers = {
  authorization: `Bearer ${OPENAI_API_KEY}`,
  'content-type': 'application/json',
  'x-user-id': 'bench@example.com',
};

async function call() {
  try {
    const response = await fetch(`${OPENAI_BASE_URL}/responses`, { method: 'POST', headers, body });
    const answer = await response.json();
    return { status: response.status, text: answer.output?.[0]?.content?.[0]?.text ?? '' };
  } catch {
    return { status: 0, text: '' };
  }
}

for (let last = ''; ; ) {
  const outcome = await call();
  const now = JSON.stringify(outcome);
  if (now !== last) process.stdout.write(`${JSON.stringify({ atMs: Date.now(), ...outcome })}\n`);
  last = now;
  await new Promise((resolve) => setTimeout(resolve, 2));
}
