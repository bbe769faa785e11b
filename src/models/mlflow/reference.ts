/** A version of a model in an MLflow registry, as `mlflow:/churn@champion`, `mlflow:/churn/7` or `mlflow:/churn/Production` names it. */
export interface MlflowReference {
  readonly name: string;
  readonly by: { readonly alias: string } | { readonly version: string } | { readonly stage: string };
}

/** @throws Error that says what is expected */
export function parseReference(text: string): MlflowReference {
  const [, path = ''] = /^(?:mlflow|models):\/+(.+)$/.exec(text.trim()) ?? [];
  const [, aliased, alias] = /^([^@]+)@([^@/]+)$/.exec(path) ?? [];
  if (aliased !== undefined && alias !== undefined) return { name: aliased, by: { alias } };
  const [, name, last] = /^([^@]+)\/([^/@]+)$/.exec(path) ?? [];
  if (name === undefined || last === undefined) {
    throw new Error(`${text}: expected mlflow:/NAME@ALIAS, mlflow:/NAME/VERSION or mlflow:/NAME/STAGE`);
  }
  return { name, by: /^\d+$/.test(last) ? { version: last } : { stage: last } };
}
