/** A class label as the model has it. */
export type ClassLabel = string | number | boolean;

/** What a model says of one instance. */
export interface Prediction {
  /** Class label, number, array of numbers, or nested raw output. */
  readonly prediction: unknown;
  /** By class, or in column order where the classes are unknown. */
  readonly probabilities?: Readonly<Record<string, number>> | readonly number[] | undefined;
  /** Probability of the predicted class. */
  readonly confidence?: number | undefined;
  /** Further outputs by name. */
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
}
