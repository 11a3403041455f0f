/** How connections to providers are kept, by whatever way they lead. */
export const connectionOptions = { allowH2: false, connect: { timeout: 10_000 }, keepAliveTimeout: 4_000 } as const;
