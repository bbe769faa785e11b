/**
 * Which partitions an instance claims so that all come to hold as many, give or take one: first those that nobody holds, then some of those who hold more than
 * their share, while that is no mere swap.
 * @param owners of each partition; undefined: nobody
 * @returns indices of partitions
 */
export function claimsOf<Owner>(me: Owner, owners: readonly (Owner | undefined)[]): number[] {
  const held = new Map<Owner, number[]>([[me, []]]);
  const free: number[] = [];
  for (const [partition, owner] of owners.entries()) {
    if (owner === undefined) free.push(partition);
    else held.set(owner, [...(held.get(owner) ?? []), partition]);
  }
  const mine = held.get(me)?.length ?? 0;
  const others = [...held].filter(([owner]) => owner !== me).map(([, partitions]) => partitions);
  const share = Math.floor(owners.length / held.size);
  const withOneMore = others.filter(({ length }) => length > share).length;
  const target = share + (withOneMore < owners.length % held.size ? 1 : 0);
  const claims = free.slice(0, Math.max(0, target - mine));
  while (mine + claims.length < target) {
    const richest = others.reduce<number[]>((most, each) => (each.length > most.length ? each : most), []);
    if (richest.length <= mine + claims.length + 1) break;
    claims.push(richest.pop() as number);
  }
  return claims;
}
