/** Who owns a partition. */
export interface Ownership {
  readonly partitionId: string;
  readonly ownerId: string;
}

/**
 * Which partitions an owner should claim so that all owners come to hold as many, give or take one: such as nobody owns
 * first, then some of those who hold more than their share.
 * @param active ownerships of living owners only
 */
export function partitionsToClaim(me: string, partitionIds: readonly string[], active: readonly Ownership[]): string[] {
  const held = new Map<string, string[]>([[me, []]]);
  for (const { ownerId, partitionId } of active) {
    const partitions = held.get(ownerId);
    if (partitions) partitions.push(partitionId);
    else held.set(ownerId, [partitionId]);
  }
  const mine = held.get(me)?.length ?? 0;
  const share = Math.floor(partitionIds.length / held.size);
  const extra = partitionIds.length % held.size;
  const withExtra = [...held].filter(([owner, partitions]) => owner !== me && partitions.length > share).length;
  const target = share + (withExtra < extra ? 1 : 0);
  let wanted = target - mine;
  if (wanted <= 0) return [];

  const owned = new Set(active.map(({ partitionId }) => partitionId));
  const claims = partitionIds.filter(id => !owned.has(id)).slice(0, wanted);
  wanted -= claims.length;
  const others = [...held].filter(([owner]) => owner !== me).map(([, partitions]) => partitions);
  while (wanted > 0) {
    const richest = others.sort((a, b) => b.length - a.length)[0];
    // Taking from one who then holds less than we would is no balance but a swap.
    if (!richest || richest.length - 1 < mine + claims.length + 1) break;
    claims.push(richest.pop() as string);
    wanted--;
  }
  return claims;
}
