/** A call to the API server, whoever authenticates it. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** From the root: `/api/v1/…`. */
  readonly path: string;
  /** What is sent, as JSON. */
  readonly body?: object;
  /** Of the body; `application/json` where absent. */
  readonly contentType?: string;
}

export interface ApiResponse {
  readonly status: number;
  /** As parsed from JSON; checked by whoever reads it. */
  readonly body: unknown;
}

/** Rejects where there is no answer; every answer, an error too, is returned. */
export type ApiRequest = (call: ApiCall) => Promise<ApiResponse>;
