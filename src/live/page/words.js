/** What a dead letter's code means, for whoever sends or is on call. */
export const CODES = {
  malformed_payload: 'what came is no request',
  schema_mismatch: 'the features do not fit the model',
  non_finite_feature: 'a feature is no finite number',
  unknown_model: 'there is no such model',
  model_unavailable: 'the model could not be loaded',
  inference_failed: 'the model failed on it',
  deadline_exceeded: 'its time was over before it was scored',
  result_too_large: 'its result is larger than an event may be',
  unexpected: 'a fault of hubscore’s own',
};

/** Faults that the sender cannot mend. */
export const OURS = new Set(['model_unavailable', 'inference_failed', 'unexpected', 'deadline_exceeded']);
