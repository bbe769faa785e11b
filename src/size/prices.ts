/** US dollars, or any other money. Undefined: not known. */
export interface Prices {
  readonly throughputUnitHour: number | undefined;
  readonly processingUnitHour: number | undefined;
  readonly capacityUnitHour: number | undefined;
  /** Standard only. */
  readonly millionEvents: number | undefined;
  /** An instance that works and is not always ready. */
  readonly gbSecond: number | undefined;
  /** An always-ready instance that works, beside its baseline. */
  readonly alwaysReadyGbSecond: number | undefined;
  /** An always-ready instance, whether it works or not. */
  readonly baselineGbSecond: number | undefined;
  readonly millionCalls: number | undefined;
  /** Checkpoints: writes into Blob storage. */
  readonly millionWrites: number | undefined;
}

export type PriceName = keyof Prices;

export interface ListPrice {
  readonly price: number | undefined;
  readonly what: string;
  /** Where it stood, and when. */
  readonly from: string;
}

const FLEX = 'modal.com/blog/azure-function-pricing-guide, East US, 2025-05-22';
const SIZE_PAGE = 'docs/size.md, rounded list prices of a cheap region, 2026-11, not looked up live';
const NONE = 'none known: give one';

/** List prices in US dollars. Premium and Dedicated have none here: their pages show prices only to a browser that asks for a region. */
export const LIST_PRICES: Readonly<Record<PriceName, ListPrice>> = {
  throughputUnitHour: { price: 0.03, what: 'a throughput unit an hour', from: SIZE_PAGE },
  processingUnitHour: { price: undefined, what: 'a processing unit an hour', from: NONE },
  capacityUnitHour: { price: undefined, what: 'a capacity unit an hour', from: NONE },
  millionEvents: {
    price: 0.028,
    what: 'a million events in (Standard)',
    from: 'github.com/infracost/infracost/issues/1354, read 2026-11-28',
  },
  gbSecond: { price: 0.000026, what: 'a GB-second on demand', from: FLEX },
  alwaysReadyGbSecond: { price: 0.000016, what: 'a GB-second of an always-ready instance at work', from: SIZE_PAGE },
  baselineGbSecond: { price: 0.000004, what: 'a GB-second of an always-ready instance', from: SIZE_PAGE },
  millionCalls: { price: 0.4, what: 'a million calls', from: SIZE_PAGE },
  millionWrites: { price: 5, what: 'a million checkpoints', from: SIZE_PAGE },
};

export const PRICE_NAMES = Object.keys(LIST_PRICES) as PriceName[];

/** The list's, but for those given. */
export function pricesWith(given: Readonly<Partial<Record<PriceName, number>>>): Prices {
  return Object.fromEntries(
    PRICE_NAMES.map(name => [name, given[name] ?? LIST_PRICES[name].price]),
  ) as unknown as Prices;
}
