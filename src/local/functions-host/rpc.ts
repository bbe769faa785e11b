/**
 * What passes between the host and @azure/functions: the shapes that the Functions Node worker decodes from gRPC and hands
 * to the library (`@azure/functions-core`, of which no package exists).
 */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpData;
  collectionBytes?: { bytes: Uint8Array[] };
  collectionString?: { string: string[] };
}

export interface HttpData {
  url?: string;
  method?: string;
  headers?: Record<string, string>;
  nullableHeaders?: Record<string, { value: string }>;
  nullableQuery?: Record<string, { value: string }>;
  nullableParams?: Record<string, { value: string }>;
  query?: Record<string, string>;
  params?: Record<string, string>;
  body?: TypedData | null;
  statusCode?: string;
  cookies?: HttpCookie[];
}

export interface HttpCookie {
  name: string;
  value: string;
  domain?: { value: string } | null;
  path?: { value: string } | null;
  expires?: { value: { seconds: number } } | null;
  secure?: { value: boolean } | null;
  httpOnly?: { value: boolean } | null;
  /** 'none' stands for no attribute, 'explicitNone' for SameSite=None. */
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone' | null;
  maxAge?: { value: number } | null;
}

export interface Binding {
  readonly type: string;
  readonly direction?: string;
  readonly [option: string]: unknown;
}

export interface RetryOptions {
  readonly retryStrategy?: string | number;
  readonly maxRetryCount?: number;
  readonly delayInterval?: Duration;
  readonly minimumInterval?: Duration;
  readonly maximumInterval?: Duration;
}

/** Whole seconds: the library rounds. */
interface Duration {
  readonly seconds?: number;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: RetryOptions | undefined;
}

export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: { source?: string; message: string; stackTrace?: string | undefined };
}

export interface InvocationRequest {
  readonly invocationId: string;
  readonly inputData: { name: string; data: TypedData }[];
  readonly triggerMetadata: Record<string, TypedData>;
  readonly retryContext?: RetryContext | undefined;
  readonly traceContext?: { traceParent: string; traceState: string; attributes: Record<string, string> } | undefined;
}

export interface InvocationResponse {
  readonly returnValue?: TypedData | null | undefined;
  readonly outputData?: { name: string; data: TypedData }[];
}

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** The library's context of one call, as far as the host looks into it. */
export interface InvocationContext {
  readonly invocationId: string;
  triggerMetadata?: Record<string, unknown> | undefined;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: InvocationRequest;
  readonly metadata: FunctionMetadata;
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: LogLevel, category: 'user' | 'system' | 'customMetric', message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: InvocationContext; inputs: unknown[] }>;
  invokeFunction(context: InvocationContext, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: InvocationContext, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>> | Record<string, string>;
}
