import type { Dispatcher } from "undici";

/**
 * What an API server refused, or that it could not be asked. `status` is the HTTP status, `reason` and `causes` come
 * from the Status in the body. Status 0: there was no usable answer; reason is then ConnectionFailed, Timeout,
 * InvalidResponse or Closed. A write with status 0 may or may not have happened.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterMs: number | undefined;

  constructor(fields: ApiErrorFields, options?: ErrorOptions) {
    super(fields.message, options);
    this.name = "ApiError";
    this.status = fields.status;
    this.reason = fields.reason;
    this.causes = fields.causes ?? [];
    this.retryAfterMs = fields.retryAfterMs;
  }
}

export interface ApiErrorFields {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterMs?: number | undefined;
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The error for an answer that is not 2xx. Reads its body. */
export async function refusal(response: Dispatcher.ResponseData, what: string): Promise<ApiError> {
  const text = await response.body.text();
  const seconds = Number(response.headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  return errorOf(statusOf(text), {
    status: response.statusCode,
    reason: "Unknown",
    message: `${what}: HTTP ${response.statusCode}: ${text.replaceAll(/\s+/g, " ").trim().slice(0, 200)}`,
    retryAfterMs,
  });
}

/** Proxies answer with HTML or text, and the API server itself does for a group that it does not know. */
function statusOf(text: string): Status {
  try {
    const body: (Status & { readonly kind?: unknown }) | null = JSON.parse(text);
    return body?.kind === "Status" ? body : {};
  } catch {
    return {};
  }
}

export function errorOf({ code, reason, message, details }: Status, otherwise: ApiErrorFields): ApiError {
  const seconds = details?.retryAfterSeconds;
  return new ApiError({
    status: otherwise.status || (code ?? 500),
    reason: reason || otherwise.reason,
    message: message || otherwise.message,
    causes: details?.causes ?? [],
    retryAfterMs: otherwise.retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000),
  });
}

export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly StatusCause[]; readonly retryAfterSeconds?: number };
}

/** Node's error for "tried every address" has no message, only a code. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}

/** Undefined in place of HTTP 404. */
export async function unlessNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}
