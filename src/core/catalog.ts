import type { ModelVersion } from './model.ts';
import type { Routing } from './routing.ts';

/** What scoring asks of the models room. */
export interface Catalog {
  /**
   * How requests are routed that ask for this model and version; synchronous once every version it can lead to is loaded, so that a batch pays nothing for it.
   * Good for the requests of one batch: the next one asks again.
   * @throws RequestError unknown_model or model_unavailable; InfrastructureError where storage is away and nothing answers.
   */
  routing(model: string | undefined, version: string | undefined): Routing | Promise<Routing>;
  /** To be waited for before a batch, so that it is routed by what holds now; undefined where that is known. */
  current?(): Promise<void> | undefined;
  /** The version or model that the card declares as stand-in; undefined where it declares none. */
  fallbackFor(version: ModelVersion): Promise<ModelVersion | undefined>;
  /** What is known, loaded or not, for those who list and for readiness. */
  list(): Promise<readonly ModelSummary[]>;
  /** Why the last look at what there is failed; undefined where it did not. */
  readonly failure?: Error | undefined;
}

export interface ModelSummary {
  readonly name: string;
  readonly versions: readonly string[];
  readonly aliases: Readonly<Record<string, string>>;
  readonly production: string | undefined;
  /** By their labels, `1.1.0+a1b2c3d4`. */
  readonly loaded: readonly string[];
}
