import { InvalidArgumentError } from 'commander';
import { MEMORY_CORES, type MemoryMb, TIERS, type Tier } from '../../size/limits.ts';
import type { SetUp } from '../../size/set-up.ts';

/** What was said of a set-up; the rest is worked out. */
export type Wanted = Partial<SetUp>;

const NUMBERS = {
  namespaces: 'namespaces',
  units: 'units',
  partitions: 'partitions',
  instances: 'instances',
  memory: 'memoryMb',
  'always-ready': 'alwaysReady',
} as const;

/** `standard,units=4,partitions=8,instances=2,memory=2048,always-ready=1` @throws InvalidArgumentError */
export function readSetUp(text: string): Wanted {
  const [tier = '', ...rest] = text.split(',').map(part => part.trim());
  if (!isTier(tier)) throw new InvalidArgumentError(`it begins with ${Object.keys(TIERS).join(', ')}`);
  const wanted: Record<string, number | string> = { tier };
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=');
    const key = NUMBERS[name as keyof typeof NUMBERS];
    const number = Number(value);
    const least = name === 'always-ready' ? 0 : 1;
    if (key === undefined) throw new InvalidArgumentError(`${name} is none of ${Object.keys(NUMBERS).join(', ')}`);
    if (value === '' || !Number.isSafeInteger(number) || number < least) {
      throw new InvalidArgumentError(`${name} is a whole number from ${least} on`);
    }
    wanted[key] = number;
  }
  const memories = Object.keys(MEMORY_CORES).map(Number);
  if (wanted.memoryMb !== undefined && !memories.includes(wanted.memoryMb as number)) {
    throw new InvalidArgumentError(`memory is ${memories.join(' or ')}`);
  }
  return wanted as Wanted;
}

/** @throws InvalidArgumentError */
export function readTier(text: string): Tier {
  if (isTier(text)) return text;
  throw new InvalidArgumentError(`one of ${Object.keys(TIERS).join(', ')} is needed`);
}

const isTier = (text: string): text is Tier => Object.hasOwn(TIERS, text);

/** As `readSetUp` reads it. */
export const setUpText = ({ tier, namespaces, units, partitions, instances, memoryMb, alwaysReady }: SetUp) =>
  [
    tier,
    ...(namespaces > 1 ? [`namespaces=${namespaces}`] : []),
    `units=${units}`,
    `partitions=${partitions}`,
    `instances=${instances}`,
    `memory=${memoryMb satisfies MemoryMb}`,
    `always-ready=${alwaysReady}`,
  ].join(',');
