/** A user in an entry that is not appended yet. The log has a pseudonym in this place. */
export interface NamedUser {
  /** The id that applications send. */
  readonly $user: string;
}

/** A field that a change has changed. Absent: there was, or is, no such field. */
export interface FieldChange {
  /** Its path, such as `spec.limits[team].requests.count`. */
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Who holds a field of a resource, as the API server says. */
export interface Manager {
  readonly manager: string;
  /** `Apply` (server-side apply) or `Update`. */
  readonly operation?: string | undefined;
  /** When this manager last changed the resource. */
  readonly at?: string | undefined;
}

/** Who asked an API server for a change of a resource. */
export interface Requester {
  /** The name by which the API server knows them. Those that begin with `system:` are no people. */
  readonly user: NamedUser | string;
  readonly at: string;
}

/** Who called. */
export interface CallerActor {
  /** Null: the call named none. */
  readonly user: NamedUser | null;
  readonly roles: readonly string[];
  /** The workload of the proxy, as `namespace/name`. Absent outside of pods. */
  readonly workload?: string | undefined;
}

interface CommonFields {
  /** Chosen by the writer: an entry that is sent again is not appended again. */
  readonly id: string;
  /** ISO 8601 in UTC. */
  readonly at: string;
}

/** Somebody changed a resource, by kubectl or in its file. */
export interface ResourceEntry extends CommonFields {
  readonly kind: 'resource';
  /** `replaced`: another resource of the same name took its place while nobody watched. */
  readonly action: 'created' | 'changed' | 'replaced' | 'deleted';
  readonly actor: {
    readonly managers: readonly Manager[];
    /** Absent where no API server has the resources. Empty: unknown. */
    readonly requesters?: readonly Requester[];
  };
  /** Kind and path, such as `Organization/acme` or `ApiKeyBinding/team/openai`. */
  readonly subject: string;
  readonly uid: string;
  readonly generation: number;
  readonly changes: readonly FieldChange[];
}

/** An API caller changed something. */
export interface ApiEntry extends CommonFields {
  readonly kind: 'api';
  /** The id of the request. Entries of earlier versions have none. */
  readonly requestId?: string | undefined;
  readonly action: 'created' | 'changed' | 'deleted' | 'deactivated' | 'erased' | 'restored' | 'retried';
  readonly actor: CallerActor;
  /** What it is about and its id, such as `Persona/<uuid>`, or `User`. */
  readonly subject: string;
  /** Of a user: which one. Of one that was erased, it is the pseudonym that the user had in the log; null: none. */
  readonly user?: NamedUser | string | null | undefined;
  readonly changes: readonly FieldChange[];
}

/** Somebody changed something by a command of this program, beside the API. */
export interface CommandEntry extends CommonFields {
  readonly kind: 'api';
  readonly action: 'created' | 'changed' | 'deleted';
  /** The command, such as `chaperone keys revoke`. */
  readonly actor: { readonly managers: readonly Manager[] };
  /** As in an `ApiEntry`. */
  readonly subject: string;
  readonly changes: readonly FieldChange[];
}

/** The proxy refused a request. */
export interface RefusalEntry extends CommonFields {
  readonly kind: 'refusal';
  /** As in proxy/error.ts. */
  readonly code: string;
  readonly status: number;
  /** What decided. Absent where no rule of the configuration did. */
  readonly rule?:
    | {
        readonly kind: string;
        readonly name: string;
        readonly detector?: string | undefined;
        readonly side?: string | undefined;
      }
    | undefined;
  readonly actor: CallerActor;
  /** Method and route, such as `POST /v1/responses`. */
  readonly route: string;
  /** The first request. */
  readonly requestId: string;
  /** How many requests were refused in the same way, the last of them at `until`. */
  readonly count: number;
  readonly until: string;
}

/** Somebody made tokens invalid. */
export interface RevocationEntry extends CommonFields {
  readonly kind: 'revocation';
  readonly actor: { readonly managers: readonly Manager[] };
  /** Such as `Token/<jti>`, `Key/<kid>`, `User` or `All`. */
  readonly subject: string;
  readonly user?: NamedUser | undefined;
  readonly issuedBefore?: string | undefined;
}

/** The operator removed the oldest entries, which were older than `spec.audit.retention`. Only SQL makes it (`prune_audit`). */
export interface CutEntry extends CommonFields {
  readonly kind: 'cut';
  readonly actor: { readonly managers: readonly Manager[] };
  /** The last removed entry, and its hash: what the rest of the log begins with. */
  readonly through: number;
  readonly hash: string;
  /** How many were removed. */
  readonly entries: number;
  /** They were recorded before this time. */
  readonly before: string;
}

export type AuditEntry = ResourceEntry | ApiEntry | CommandEntry | RefusalEntry | RevocationEntry;
