/** A parameter of infra/main.bicep, as its decorators bound it. */
interface Parameter {
  readonly type: string;
  readonly allowed: readonly string[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What is wrong with the variables that azd fills the templates' parameters from; a sentence each. azd itself says nothing of a value that does
 * not fit: it leaves the parameter out, so that `PARTITION_COUNT=many` would deploy 4 partitions, for ever.
 * @param bicep infra/main.bicep
 * @param parameterFile infra/main.parameters.json
 */
export function faultsIn(environment: Environment, bicep: string, parameterFile: string): string[] {
  const parameters = parametersIn(bicep);
  const given: Readonly<Record<string, { value: string }>> = JSON.parse(parameterFile).parameters;
  return Object.entries(given).flatMap(([name, { value }]) => {
    const variable = /^\$\{(\w+)\}$/.exec(value)?.[1] ?? '';
    const text = environment[variable];
    const parameter = parameters.get(name);
    if (text === undefined || text === '' || parameter === undefined) return [];
    const takes = fault(text, parameter);
    return takes ? [`${variable} takes ${takes}, and is ${JSON.stringify(text)}`] : [];
  });
}

function fault(text: string, { type, allowed, minimum, maximum }: Parameter): string | undefined {
  if (type === 'bool') return /^(true|false)$/i.test(text) ? undefined : 'true or false';
  if (allowed.length > 0) return allowed.includes(text) ? undefined : `one of ${allowed.join(', ')}`;
  if (type === 'int') {
    const fits = /^\d+$/.test(text) && Number(text) >= (minimum ?? 0) && Number(text) <= (maximum ?? Infinity);
    return fits ? undefined : `a whole number${range(minimum, maximum)}`;
  }
  if (type === 'Settings') return isSettings(text) ? undefined : 'a JSON object whose values are strings';
  return undefined;
}

function range(minimum: number | undefined, maximum: number | undefined): string {
  if (maximum !== undefined) return ` from ${minimum ?? 0} to ${maximum}`;
  return minimum === undefined ? '' : `, at least ${minimum}`;
}

function isSettings(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.values(value).every(setting => typeof setting === 'string');
  } catch {
    return false;
  }
}

/** Parameters by name; decorators stand right above them. */
export function parametersIn(bicep: string): ReadonlyMap<string, Parameter> {
  const declarations = bicep.matchAll(/((?:^@.*\n)*)^param (\w+) (\w+)/gm);
  return new Map(
    [...declarations].map(([, decorators = '', name = '', type = '']) => {
      const number = (decorator: string) => {
        const text = new RegExp(`^@${decorator}\\((\\d+)\\)`, 'm').exec(decorators)?.[1];
        return text === undefined ? undefined : Number(text);
      };
      const allowed = /^@allowed\(\[(.*)\]\)/m.exec(decorators)?.[1]?.split(',') ?? [];
      return [
        name,
        {
          type,
          allowed: allowed.map(value => value.trim().replaceAll("'", '')),
          minimum: number('minValue'),
          maximum: number('maxValue'),
        },
      ];
    }),
  );
}
