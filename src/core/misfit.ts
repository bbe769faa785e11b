/** Models that cannot stand beside each other: no waiting mends that, however a card says to pass over what is away. */
export class Misfit extends Error {
  override readonly name = 'Misfit';
}
