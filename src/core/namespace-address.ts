import type { TokenType } from '@azure/core-amqp';

/** How to reach a namespace by AMQP and to be let in. */
export interface NamespaceAddress {
  readonly host: string;
  readonly port: number;
  /** The local endpoint and the official emulator speak without. */
  readonly tls: boolean;
  /** Goes before an entity's path in what a token is for: `sb://<host>/`. */
  readonly audienceBase: string;
  claim(audience: string): Promise<Claim>;
}

export interface Claim {
  readonly token: string;
  readonly type: TokenType;
  /** When the next one is due, well before this one expires. */
  readonly renewInMs: number;
}
