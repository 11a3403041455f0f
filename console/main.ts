// Becomes `GET /console/console.js`.
import { App } from './app.ts';
import { request } from './data/api.ts';
import { type IssuedLogin, makeSessions } from './data/session.ts';
import { defineChart } from './parts/chart.ts';
import { makeTheme } from './surroundings.ts';

const root = document.getElementById('console');
if (root) {
  defineChart();
  let app: App | undefined;
  const theme = makeTheme(() => {
    app?.redraw();
    document.dispatchEvent(new Event('chaperone-theme'));
  });
  const sessions = makeSessions({
    storage: sessionStorage,
    nowMs: Date.now,
    async renew(refreshToken) {
      const { data } = await request<{ data: IssuedLogin }>('/api/v1/auth/refresh', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: refreshToken }),
      });
      return data;
    },
  });
  app = new App(root, sessions, theme);
  app.start();
}
