// Codex CLI over a WebSocket: the same conversation, each turn of which begins with a warm-up.
process.env.CODEX_WEBSOCKETS = 'true';
await import('./codex.mjs');
