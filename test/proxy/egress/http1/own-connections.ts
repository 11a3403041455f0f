import assert from 'node:assert/strict';
import type { Http1Client } from '../../../../proxy/egress/http1/client.ts';
import type { Connections } from '../../../../proxy/providers/connections.ts';

/** Our own client as the connections of an exchange. It takes only requests whose body is there. */
export function connectionsOf(client: Http1Client): Connections {
  return {
    dispatch(request, handler) {
      const { body } = request;
      assert.ok(body === null || typeof body === 'string' || Buffer.isBuffer(body));
      client.send({ ...request, body }, handler);
    },
  };
}
